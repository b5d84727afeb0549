import { Tensor } from 'onnxruntime-common';
import { type Address, loadNativeApi, type NativeApi } from './native-api.js';
import { NativeValues } from './native-values.js';
import {
  type CreateOptions,
  type OrtRuntime,
  type OrtSession,
  type OutputLocation,
  providerNames,
  type Tensors,
} from './ort.js';

/**
 * ONNX Runtime for the CPU and for CUDA without its binding for JavaScript: results are written where they shall be, where
 * the binding hands out copies, or stay on the GPU; and all sessions share one working memory, so that none has to give it
 * back (`enableCpuMemArena` is not read).
 *
 * @throws if `koffi` or `onnxruntime-node` is not installed, or has nothing for this system
 */
export async function createNativeRuntime(): Promise<OrtRuntime> {
  const library = new NativeLibrary(await loadNativeApi());
  const create = async (model: Uint8Array, options: CreateOptions): Promise<OrtSession> => {
    const session = library.createSession(model, options);
    return {
      run: async (feeds, fetches) => {
        // Time for timers, signals and progress between one run and the next.
        await new Promise(setImmediate);
        if (!fetches) return library.runBound(session, feeds);
        library.run(session, feeds, fetches);
        return fetches;
      },
      release: async () => library.releaseSession(session),
    };
  };
  return { Tensor, InferenceSession: { create } };
}

/** `GraphOptimizationLevel` */
const OPTIMISATION_LEVELS = { disabled: 0, basic: 1, extended: 2, layout: 3, all: 99 };

const ERRORS_ONLY = 3;
const DEVICE_ALLOCATOR = 0;
const ARENA_ALLOCATOR = 1;
const DEFAULT_MEMORY = 0;
const ALL_MEMORY = 2n ** 64n - 1n;
/** The default of a setting of an arena. */
const AS_NEEDED = -1;

/** Full float32 products, and convolutions chosen without trying them all at every new shape. */
const CUDA_SETTINGS = { use_tf32: '0', cudnn_conv_algo_search: 'HEURISTIC' };

/**
 * Working memory of cuBLAS, of which every session has its own: one piece of 4 MiB (`:<KiB>:<pieces>`). By itself it takes
 * 32 MiB and more on large GPUs, and the sessions of a backbone are many.
 */
const CUBLAS_WORKSPACE = ':4096:1';

/** A session, and where `runBound` leaves its results. */
interface NativeSession {
  readonly address: Address;
  readonly binding: Address;
  readonly outputs: readonly (readonly [name: string, location: OutputLocation])[];
}

class NativeLibrary {
  readonly #api: NativeApi;
  readonly #values: NativeValues;
  readonly #env: Address;
  readonly #memory: Address;
  /** Of the GPU, once a session has asked for it. */
  #cuda: Address | undefined;
  /** Names of inputs and results as C strings. */
  readonly #names = new Map<string, Uint8Array>();

  constructor(api: NativeApi) {
    this.#api = api;
    const { createEnv, createCpuMemoryInfo, createAndRegisterAllocator } = api.functions;
    this.#env = this.#api.made((out) => createEnv(ERRORS_ONLY, 'harmonica', out));
    this.#memory = this.#api.made((out) =>
      createCpuMemoryInfo(ARENA_ALLOCATOR, DEFAULT_MEMORY, out),
    );
    this.#values = new NativeValues(api, this.#memory);
    try {
      createAndRegisterAllocator(this.#env, this.#memory, null);
    } catch {
      // Refused where another thread of the process has registered one: then that one serves.
    }
  }

  createSession(model: Uint8Array, options: CreateOptions): NativeSession {
    const { functions } = this.#api;
    const settings = this.#api.made((out) => functions.createSessionOptions(out));
    const { graphOptimizationLevel = 'all', intraOpNumThreads, extra } = options;
    const onCuda = providerNames(options).includes('cuda');
    const threads = onCuda ? 1 : intraOpNumThreads;
    try {
      functions.setSessionLogSeverityLevel(settings, options.logSeverityLevel);
      const level = OPTIMISATION_LEVELS[graphOptimizationLevel];
      functions.setSessionGraphOptimizationLevel(settings, level);
      if (threads !== undefined) functions.setIntraOpNumThreads(settings, threads);
      const entries = { ...flattened(extra), 'session.use_env_allocators': '1' };
      for (const [key, value] of Object.entries(entries)) {
        functions.addSessionConfigEntry(settings, key, value);
      }
      if (onCuda) this.#appendCuda(settings);
      const address = this.#api.made((out) =>
        functions.createSessionFromArray(this.#env, model, model.byteLength, settings, out),
      );
      const binding = this.#api.made((out) => functions.createIoBinding(address, out));
      const { preferredOutputLocation: locations = {} } = options;
      return { address, binding, outputs: Object.entries(locations) as NativeSession['outputs'] };
    } finally {
      functions.releaseSessionOptions(settings);
    }
  }

  /** Has the GPU run what it can. Its memory is shared by all sessions, as that of the CPU is. */
  #appendCuda(settings: Address): void {
    const { functions } = this.#api;
    process.env.CUBLAS_WORKSPACE_CONFIG ??= CUBLAS_WORKSPACE; // read when a session is made
    // First, because it says that there is no CUDA where the allocator ends the process.
    const provider = this.#api.made((out) => functions.createCudaProviderOptions(out));
    try {
      const keys = this.#namesOf(Object.keys(CUDA_SETTINGS));
      const values = this.#namesOf(Object.values(CUDA_SETTINGS));
      functions.updateCudaProviderOptions(provider, keys, values, keys.length);
      functions.appendCudaProvider(settings, provider);
      this.#cuda ??= this.#sharedCudaMemory();
    } finally {
      functions.releaseCudaProviderOptions(provider);
    }
  }

  #sharedCudaMemory(): Address {
    const { functions } = this.#api;
    const memory = this.#api.made((out) =>
      functions.createMemoryInfo('Cuda', DEVICE_ALLOCATOR, 0, DEFAULT_MEMORY, out),
    );
    const arena = this.#api.made((out) =>
      functions.createArenaCfg(ALL_MEMORY, ...[AS_NEEDED, AS_NEEDED, AS_NEEDED], out),
    );
    const [provider, none] = ['CUDAExecutionProvider', null];
    const { createAndRegisterAllocatorV2: register, releaseArenaCfg } = functions;
    try {
      register(this.#env, provider, memory, arena, none, none, 0);
      return memory;
    } finally {
      releaseArenaCfg(arena);
    }
  }

  /** Writes results into the tensors that are given for them. */
  run({ address }: NativeSession, feeds: Tensors, fetches: Tensors): void {
    const [inputs, outputs] = [Object.keys(feeds), Object.keys(fetches)];
    const tensors = [...Object.values(feeds), ...Object.values(fetches)];
    this.#values.withValues(tensors, (values) =>
      this.#api.functions.run(
        address,
        null,
        this.#namesOf(inputs),
        BigUint64Array.from(values.slice(0, inputs.length)),
        inputs.length,
        this.#namesOf(outputs),
        outputs.length,
        BigUint64Array.from(values.slice(inputs.length)),
      ),
    );
  }

  /** Makes every result where the session was told to leave it. */
  runBound({ address, binding, outputs }: NativeSession, feeds: Tensors): Tensors {
    const { functions } = this.#api;
    const names = Object.keys(feeds);
    try {
      this.#values.withValues(Object.values(feeds), (values) => {
        for (const [i, name] of names.entries()) {
          functions.bindInput(binding, name, values[i]);
        }
      });
      for (const [name, location] of outputs) {
        const memory = location === 'cpu' ? this.#memory : (this.#cuda ?? this.#memory);
        functions.bindOutputToDevice(binding, name, memory);
      }
      functions.runWithBinding(address, null, binding);
      const values = this.#values.boundValues(binding);
      const made = outputs.map(([name, location], i) => {
        const value = values[i] as Address;
        return [
          name,
          location === 'cpu' ? this.#values.taken(value) : this.#values.onDevice(value),
        ] as const;
      });
      return Object.fromEntries(made) as Tensors;
    } finally {
      functions.clearBoundInputs(binding);
      functions.clearBoundOutputs(binding);
    }
  }

  releaseSession({ address, binding }: NativeSession): void {
    this.#api.functions.releaseIoBinding(binding);
    this.#api.functions.releaseSession(address);
  }

  #namesOf(names: readonly string[]): BigUint64Array {
    return BigUint64Array.from(names, (name) => {
      const known = this.#names.get(name) ?? new TextEncoder().encode(`${name}\0`);
      this.#names.set(name, known);
      return this.#api.addressOf(known);
    });
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
