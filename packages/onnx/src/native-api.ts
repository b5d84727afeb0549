/** An address in the memory of the process; 0 for none. */
export type Address = bigint;

const ADDRESS = 'void *';

/**
 * The functions of ONNX Runtime's C API that are used: place in its table (`OrtApi` of `onnxruntime_c_api.h`, which only
 * ever grows at its end), result and parameters. Those that return an address return a status: none if all went well.
 */
const FUNCTIONS = {
  getErrorMessage: [2, 'str', [ADDRESS]],
  createEnv: [3, ADDRESS, ['int', 'str', ADDRESS]],
  createSessionFromArray: [8, ADDRESS, [ADDRESS, ADDRESS, 'size_t', ADDRESS, ADDRESS]],
  run: [9, ADDRESS, [ADDRESS, ADDRESS, ADDRESS, ADDRESS, 'size_t', ADDRESS, 'size_t', ADDRESS]],
  createSessionOptions: [10, ADDRESS, [ADDRESS]],
  setSessionLogSeverityLevel: [22, ADDRESS, [ADDRESS, 'int']],
  setSessionGraphOptimizationLevel: [23, ADDRESS, [ADDRESS, 'int']],
  setIntraOpNumThreads: [24, ADDRESS, [ADDRESS, 'int']],
  createTensorWithDataAsOrtValue: [
    49,
    ADDRESS,
    [ADDRESS, ADDRESS, 'size_t', ADDRESS, 'size_t', 'int', ADDRESS],
  ],
  getTensorMutableData: [51, ADDRESS, [ADDRESS, ADDRESS]],
  getTensorElementType: [60, ADDRESS, [ADDRESS, ADDRESS]],
  getDimensionsCount: [61, ADDRESS, [ADDRESS, ADDRESS]],
  getDimensions: [62, ADDRESS, [ADDRESS, ADDRESS, 'size_t']],
  getTensorTypeAndShape: [65, ADDRESS, [ADDRESS, ADDRESS]],
  createMemoryInfo: [68, ADDRESS, ['str', 'int', 'int', 'int', ADDRESS]],
  createCpuMemoryInfo: [69, ADDRESS, ['int', 'int', ADDRESS]],
  allocatorFree: [76, ADDRESS, [ADDRESS, ADDRESS]],
  getAllocatorWithDefaultOptions: [78, ADDRESS, [ADDRESS]],
  releaseStatus: [93, 'void', [ADDRESS]],
  releaseSession: [95, 'void', [ADDRESS]],
  releaseValue: [96, 'void', [ADDRESS]],
  releaseTensorTypeAndShapeInfo: [99, 'void', [ADDRESS]],
  releaseSessionOptions: [100, 'void', [ADDRESS]],
  addSessionConfigEntry: [130, ADDRESS, [ADDRESS, 'str', 'str']],
  runWithBinding: [133, ADDRESS, [ADDRESS, ADDRESS, ADDRESS]],
  createIoBinding: [134, ADDRESS, [ADDRESS, ADDRESS]],
  releaseIoBinding: [135, 'void', [ADDRESS]],
  bindInput: [136, ADDRESS, [ADDRESS, 'str', ADDRESS]],
  bindOutputToDevice: [138, ADDRESS, [ADDRESS, 'str', ADDRESS]],
  getBoundOutputValues: [140, ADDRESS, [ADDRESS, ADDRESS, ADDRESS, ADDRESS]],
  clearBoundInputs: [141, 'void', [ADDRESS]],
  clearBoundOutputs: [142, 'void', [ADDRESS]],
  createAndRegisterAllocator: [144, ADDRESS, [ADDRESS, ADDRESS, ADDRESS]],
  createArenaCfg: [156, ADDRESS, ['size_t', 'int', 'int', 'int', ADDRESS]],
  releaseArenaCfg: [157, 'void', [ADDRESS]],
  appendCudaProvider: [204, ADDRESS, [ADDRESS, ADDRESS]],
  createCudaProviderOptions: [205, ADDRESS, [ADDRESS]],
  updateCudaProviderOptions: [206, ADDRESS, [ADDRESS, ADDRESS, ADDRESS, 'size_t']],
  releaseCudaProviderOptions: [208, 'void', [ADDRESS]],
  createAndRegisterAllocatorV2: [
    259,
    ADDRESS,
    [ADDRESS, 'str', ADDRESS, ADDRESS, ADDRESS, ADDRESS, 'size_t'],
  ],
} as const satisfies Record<string, readonly [number, string, readonly string[]]>;

/** The first version of the table that has all of them; later libraries hand it out too. */
const API_VERSION = 15;

type NativeFunction = (...args: readonly unknown[]) => unknown;

/** Those that return a status throw instead, with the words of ONNX Runtime, unless all went well. */
type NativeFunctions = Readonly<Record<keyof typeof FUNCTIONS, NativeFunction>>;

/** The functions of the library, ready to be called. */
export interface NativeApi {
  readonly functions: NativeFunctions;
  /** What a function writes to the address that it is given. */
  made(make: (out: BigUint64Array) => unknown): Address;
  /** Held, because the functions are gone when it is collected. */
  readonly library: object;
  /** Where an array or a text lies. It must be kept as long as the address is used. */
  addressOf(memory: ArrayBufferView): Address;
  /** The memory at an address, not copied. */
  memoryAt(address: Address, bytes: number): ArrayBuffer;
}

/**
 * Loads the library that `onnxruntime-node` brings, past its binding for JavaScript, or the one that the environment
 * variable `HARMONICA_ONNXRUNTIME` names, such as `libonnxruntime.so.1.31.1` of the Python package `onnxruntime-gpu`.
 *
 * @throws if `koffi` or `onnxruntime-node` is not installed, or has nothing for this system
 */
export async function loadNativeApi(): Promise<NativeApi> {
  const [{ default: koffi }, { createRequire }, { dirname, join }] = await Promise.all([
    import('koffi'),
    import('node:module'),
    import('node:path'),
  ]);
  const bundled = () => {
    const binding = createRequire(import.meta.url).resolve('onnxruntime-node');
    const folder = join(dirname(binding), '..', 'bin/napi-v6', process.platform, process.arch);
    return join(folder, LIBRARIES[process.platform] ?? 'libonnxruntime.so.1');
  };
  const library = koffi.load(process.env.HARMONICA_ONNXRUNTIME ?? bundled());
  const base: Address = library.func('OrtGetApiBase', ADDRESS, [])();
  const getApi = koffi.decode(koffi.decode(base, ADDRESS), koffi.proto(ADDRESS, ['uint32_t']));
  const table: Address = getApi(API_VERSION);
  const pointerBytes = koffi.sizeof(ADDRESS);
  const entries = Object.entries(FUNCTIONS).map(([name, [index, result, parameters]]) => {
    const type = koffi.proto(result, [...parameters]);
    const call = koffi.decode(koffi.decode(table, index * pointerBytes, ADDRESS), type);
    return [name, result === ADDRESS ? checked(call) : call];
  });
  const functions: NativeFunctions = Object.fromEntries(entries);
  function checked(call: NativeFunction): NativeFunction {
    return (...args) => {
      const status = call(...args);
      if (!status) return;
      const message = functions.getErrorMessage(status) as string;
      functions.releaseStatus(status);
      throw new Error(message);
    };
  }
  return {
    functions,
    made(make) {
      const out = new BigUint64Array(1);
      make(out);
      return out[0] as Address;
    },
    library,
    addressOf: koffi.address,
    memoryAt: koffi.view,
  };
}

const LIBRARIES: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
};
