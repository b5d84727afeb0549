import { Tensor } from 'onnxruntime-common';
import { DeviceTensor } from './device-tensor.js';
import { providerNames } from './execution-providers.js';
import { type Address, loadNativeApi, type NativeApi } from './native-api.js';
import type {
  CreateOptions,
  OrtRuntime,
  OrtSession,
  OrtTensor,
  OutputLocation,
  Tensors,
} from './runtime.js';

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

/** `ONNXTensorElementDataType`, and the arrays that hold such elements. */
const ELEMENT_TYPES = {
  float32: [1, Float32Array],
  uint8: [2, Uint8Array],
  int32: [6, Int32Array],
  int64: [7, BigInt64Array],
  bool: [9, Uint8Array],
} as const;

type ElementType = keyof typeof ELEMENT_TYPES;

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

/** A session, and where `runBound` leaves its results. */
interface NativeSession {
  readonly address: Address;
  readonly binding: Address;
  readonly outputs: readonly (readonly [name: string, location: OutputLocation])[];
}

class NativeLibrary {
  readonly #api: NativeApi;
  readonly #env: Address;
  readonly #memory: Address;
  /** Of the GPU, once a session has asked for it. */
  #cuda: Address | undefined;
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

  createSession(model: Uint8Array, options: CreateOptions): NativeSession {
    const { functions } = this.#api;
    const settings = this.#made((out) => functions.createSessionOptions(out));
    const { graphOptimizationLevel = 'all', intraOpNumThreads, extra } = options;
    const onCuda = providerNames(options).includes('cuda');
    const threads = onCuda ? 1 : intraOpNumThreads;
    try {
      this.#check(functions.setSessionLogSeverityLevel(settings, options.logSeverityLevel));
      this.#check(
        functions.setSessionGraphOptimizationLevel(
          settings,
          OPTIMISATION_LEVELS[graphOptimizationLevel],
        ),
      );
      if (threads !== undefined) this.#check(functions.setIntraOpNumThreads(settings, threads));
      const entries = { ...flattened(extra), 'session.use_env_allocators': '1' };
      for (const [key, value] of Object.entries(entries)) {
        this.#check(functions.addSessionConfigEntry(settings, key, value));
      }
      if (onCuda) this.#appendCuda(settings);
      const address = this.#made((out) =>
        functions.createSessionFromArray(this.#env, model, model.byteLength, settings, out),
      );
      const binding = this.#made((out) => functions.createIoBinding(address, out));
      const { preferredOutputLocation: locations = {} } = options;
      return { address, binding, outputs: Object.entries(locations) as NativeSession['outputs'] };
    } finally {
      functions.releaseSessionOptions(settings);
    }
  }

  /** Has the GPU run what it can. Its memory is shared by all sessions, as that of the CPU is. */
  #appendCuda(settings: Address): void {
    const { functions } = this.#api;
    // First, because it says that there is no CUDA where the allocator ends the process.
    const provider = this.#made((out) => functions.createCudaProviderOptions(out));
    try {
      const keys = this.#namesOf(Object.keys(CUDA_SETTINGS));
      const values = this.#namesOf(Object.values(CUDA_SETTINGS));
      this.#check(functions.updateCudaProviderOptions(provider, keys, values, keys.length));
      this.#check(functions.appendCudaProvider(settings, provider));
      this.#cuda ??= this.#sharedCudaMemory();
    } finally {
      functions.releaseCudaProviderOptions(provider);
    }
  }

  #sharedCudaMemory(): Address {
    const { functions } = this.#api;
    const memory = this.#made((out) =>
      functions.createMemoryInfo('Cuda', DEVICE_ALLOCATOR, 0, DEFAULT_MEMORY, out),
    );
    const arena = this.#made((out) =>
      functions.createArenaCfg(ALL_MEMORY, ...[AS_NEEDED, AS_NEEDED, AS_NEEDED], out),
    );
    const [provider, none] = ['CUDAExecutionProvider', null];
    const { createAndRegisterAllocatorV2: register, releaseArenaCfg } = functions;
    try {
      this.#check(register(this.#env, provider, memory, arena, none, none, 0));
      return memory;
    } finally {
      releaseArenaCfg(arena);
    }
  }

  /** Writes results into the tensors that are given for them. */
  run({ address }: NativeSession, feeds: Tensors, fetches: Tensors): void {
    const [inputs, outputs] = [Object.keys(feeds), Object.keys(fetches)];
    const tensors = [...Object.values(feeds), ...Object.values(fetches)];
    this.#withValues(tensors, (values) =>
      this.#check(
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
      ),
    );
  }

  /** Makes every result where the session was told to leave it. */
  runBound({ address, binding, outputs }: NativeSession, feeds: Tensors): Tensors {
    const { functions } = this.#api;
    const names = Object.keys(feeds);
    try {
      this.#withValues(Object.values(feeds), (values) => {
        for (const [i, name] of names.entries()) {
          this.#check(functions.bindInput(binding, name, values[i]));
        }
      });
      for (const [name, location] of outputs) {
        const memory = location === 'cpu' ? this.#memory : (this.#cuda ?? this.#memory);
        this.#check(functions.bindOutputToDevice(binding, name, memory));
      }
      this.#check(functions.runWithBinding(address, null, binding));
      const values = this.#boundValues(binding);
      const made = outputs.map(([name, location], i) => {
        const value = values[i] as Address;
        return [name, location === 'cpu' ? this.#taken(value) : this.#onDevice(value)] as const;
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

  /** Gives `use` the values of tensors, in their order. */
  #withValues(tensors: readonly OrtTensor[], use: (values: readonly Address[]) => void): void {
    const values: Address[] = [];
    const made: Address[] = [];
    try {
      for (const tensor of tensors as readonly (OrtTensor | DeviceTensor)[]) {
        if (tensor instanceof DeviceTensor) {
          values.push(tensor.address);
          continue;
        }
        const value = this.#value(tensor);
        made.push(value);
        values.push(value);
      }
      use(values);
    } finally {
      for (const value of made) this.#api.functions.releaseValue(value);
    }
  }

  /** A value over the memory of a tensor. */
  #value({ data, dims, type }: OrtTensor): Address {
    const values = data as Float32Array;
    const shape = BigInt64Array.from(dims, BigInt);
    const [elementType] = ELEMENT_TYPES[type as ElementType];
    return this.#made((out) =>
      this.#api.functions.createTensorWithDataAsOrtValue(
        this.#memory,
        values,
        values.byteLength,
        shape,
        shape.length,
        elementType,
        out,
      ),
    );
  }

  /** The results of a binding, in the order in which they were bound. The caller releases them. */
  #boundValues(binding: Address): readonly Address[] {
    const { functions, memoryAt } = this.#api;
    const allocator = this.#made((out) => functions.getAllocatorWithDefaultOptions(out));
    const [list, count] = [new BigUint64Array(1), new BigUint64Array(1)];
    this.#check(functions.getBoundOutputValues(binding, allocator, list, count));
    const [at] = list as unknown as [Address];
    const values = [...new BigUint64Array(memoryAt(at, 8 * Number(count[0])))];
    this.#check(functions.allocatorFree(allocator, at));
    return values;
  }

  #onDevice(address: Address): DeviceTensor {
    const release = (value: Address) => void this.#api.functions.releaseValue(value);
    return new DeviceTensor({ address, ...this.#shapeOf(address), release });
  }

  /** A copy of a value in the memory of the CPU; the value is released. */
  #taken(value: Address): OrtTensor {
    const { functions, memoryAt } = this.#api;
    try {
      const { type, dims } = this.#shapeOf(value);
      const [, ArrayOf] = ELEMENT_TYPES[type];
      const size = dims.reduce((product, length) => product * length, 1);
      const data = this.#made((out) => functions.getTensorMutableData(value, out));
      const bytes =
        size === 0 ? new ArrayBuffer(0) : memoryAt(data, size * ArrayOf.BYTES_PER_ELEMENT);
      return new Tensor(type as 'float32', new ArrayOf(bytes).slice() as Float32Array, dims);
    } finally {
      functions.releaseValue(value);
    }
  }

  #shapeOf(value: Address): { readonly type: ElementType; readonly dims: readonly number[] } {
    const { functions } = this.#api;
    const info = this.#made((out) => functions.getTensorTypeAndShape(value, out));
    try {
      const [element, count] = [new Int32Array(1), new BigUint64Array(1)];
      this.#check(functions.getTensorElementType(info, element));
      this.#check(functions.getDimensionsCount(info, count));
      const dims = new BigInt64Array(Number(count[0]));
      this.#check(functions.getDimensions(info, dims, dims.length));
      const known = Object.entries(ELEMENT_TYPES).find(([, [code]]) => code === element[0]);
      return { type: known?.[0] as ElementType, dims: Array.from(dims, Number) };
    } finally {
      functions.releaseTensorTypeAndShapeInfo(info);
    }
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
