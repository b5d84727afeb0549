import { Tensor } from 'onnxruntime-common';
import { type Address, loadNativeApi, type NativeApi } from './native-api.js';
import type { CreateOptions, OrtRuntime, OrtSession, OrtTensor, Tensors } from './runtime.js';

/**
 * ONNX Runtime for the CPU without its binding for JavaScript: results are written where they shall be, where the binding
 * hands out copies, and all sessions share one working memory, so that none has to give it back (`enableCpuMemArena` is
 * not read).
 *
 * @throws if `koffi` or `onnxruntime-node` is not installed, or has nothing for this system
 */
export async function createNativeRuntime(): Promise<OrtRuntime> {
  const library = new NativeLibrary(await loadNativeApi());
  const create = async (model: Uint8Array, options: CreateOptions): Promise<OrtSession> => {
    const session = library.createSession(model, options);
    return {
      run: async (feeds, fetches = {}) => {
        // Time for timers, signals and progress between one run and the next.
        await new Promise(setImmediate);
        library.run(session, feeds, fetches);
        return fetches;
      },
      release: async () => library.releaseSession(session),
    };
  };
  return { Tensor, InferenceSession: { create } };
}

/** `ONNXTensorElementDataType` */
const ELEMENT_TYPES: Readonly<Record<string, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
};

/** `GraphOptimizationLevel` */
const OPTIMISATION_LEVELS = { disabled: 0, basic: 1, extended: 2, layout: 3, all: 99 };

const ERRORS_ONLY = 3;
const ARENA_ALLOCATOR = 1;
const DEFAULT_MEMORY = 0;

class NativeLibrary {
  readonly #api: NativeApi;
  readonly #env: Address;
  readonly #memory: Address;
  /** Names of inputs and results as C strings. */
  readonly #names = new Map<string, Uint8Array>();

  constructor(api: NativeApi) {
    this.#api = api;
    const { createEnv, createCpuMemoryInfo, createAndRegisterAllocator } = api.functions;
    this.#env = this.#made((out) => createEnv(ERRORS_ONLY, 'harmonica', out));
    this.#memory = this.#made((out) => createCpuMemoryInfo(ARENA_ALLOCATOR, DEFAULT_MEMORY, out));
    // Refused where another thread of the process has registered one: then that one serves.
    this.#message(createAndRegisterAllocator(this.#env, this.#memory, null));
  }

  createSession(model: Uint8Array, options: CreateOptions): Address {
    const { functions } = this.#api;
    const settings = this.#made((out) => functions.createSessionOptions(out));
    const { graphOptimizationLevel = 'all', intraOpNumThreads, extra } = options;
    try {
      this.#check(functions.setSessionLogSeverityLevel(settings, options.logSeverityLevel));
      this.#check(
        functions.setSessionGraphOptimizationLevel(
          settings,
          OPTIMISATION_LEVELS[graphOptimizationLevel],
        ),
      );
      if (intraOpNumThreads !== undefined) {
        this.#check(functions.setIntraOpNumThreads(settings, intraOpNumThreads));
      }
      const entries = { ...flattened(extra), 'session.use_env_allocators': '1' };
      for (const [key, value] of Object.entries(entries)) {
        this.#check(functions.addSessionConfigEntry(settings, key, value));
      }
      return this.#made((out) =>
        functions.createSessionFromArray(this.#env, model, model.byteLength, settings, out),
      );
    } finally {
      functions.releaseSessionOptions(settings);
    }
  }

  run(session: Address, feeds: Tensors, fetches: Tensors): void {
    const [inputs, outputs] = [Object.keys(feeds), Object.keys(fetches)];
    const values: Address[] = [];
    try {
      for (const tensor of [...Object.values(feeds), ...Object.values(fetches)]) {
        values.push(this.#value(tensor));
      }
      this.#check(
        this.#api.functions.run(
          session,
          null,
          this.#namesOf(inputs),
          BigUint64Array.from(values.slice(0, inputs.length)),
          inputs.length,
          this.#namesOf(outputs),
          outputs.length,
          BigUint64Array.from(values.slice(inputs.length)),
        ),
      );
    } finally {
      for (const value of values) this.#api.functions.releaseValue(value);
    }
  }

  releaseSession(session: Address): void {
    this.#api.functions.releaseSession(session);
  }

  /** A tensor of ONNX Runtime over the memory of the given one. */
  #value({ data, dims, type }: OrtTensor): Address {
    const values = data as Float32Array;
    const shape = BigInt64Array.from(dims, BigInt);
    return this.#made((out) =>
      this.#api.functions.createTensorWithDataAsOrtValue(
        this.#memory,
        values,
        values.byteLength,
        shape,
        shape.length,
        ELEMENT_TYPES[type],
        out,
      ),
    );
  }

  #namesOf(names: readonly string[]): BigUint64Array {
    return BigUint64Array.from(names, (name) => {
      const known = this.#names.get(name) ?? new TextEncoder().encode(`${name}\0`);
      this.#names.set(name, known);
      return this.#api.addressOf(known);
    });
  }

  /** What a function writes to the address that it is given. */
  #made(make: (out: BigUint64Array) => unknown): Address {
    const out = new BigUint64Array(1);
    this.#check(make(out));
    return out[0] as Address;
  }

  #check(status: unknown): void {
    const message = this.#message(status);
    if (message !== undefined) throw new Error(message);
  }

  /** What a status says, undefined if all went well. Frees it. */
  #message(status: unknown): string | undefined {
    if (!status) return undefined;
    const message = this.#api.functions.getErrorMessage(status) as string;
    this.#api.functions.releaseStatus(status);
    return message;
  }
}

/** `{ session: { threads: '2' } }` as `{ 'session.threads': '2' }`. */
function flattened(nested: CreateOptions['extra'] = {}, prefix = ''): Record<string, string> {
  const entries = Object.entries(nested).map(([key, value]) =>
    typeof value === 'object' && value
      ? flattened(value as CreateOptions['extra'], `${prefix}${key}.`)
      : { [`${prefix}${key}`]: String(value) },
  );
  return Object.assign({}, ...entries);
}
