/** What an engine is. Plain data, but for its description. */
export interface Engine<Name extends string = string> {
  readonly name: Name;
  /** The npm packages that it needs: of each list the first that loads. */
  readonly packages: readonly (readonly string[])[];
  /** The TensorFlow.js backend that holds tensors and weights. */
  readonly tensors: string;
  /** Where ONNX Runtime runs compiled graphs; absent for engines that go op by op. */
  readonly executionProvider?: 'cpu' | 'webgpu' | 'cuda';
  /** Whether `auto` may take it. */
  readonly automatic?: boolean;
  /** An environment variable that tells its packages how many threads to take, read when they are loaded. */
  readonly threadsVariable?: string;
  /** Whether the number of threads can be chosen. */
  readonly hasThreads?: boolean;
  /** For people, such as `onnx (compiled, 2 threads)`. */
  describe(loaded: {
    readonly threads: number | undefined;
    /** One for each list of `packages`. */
    readonly packages: readonly string[];
  }): string;
}

const TENSORS_ON_CPU = ['@tensorflow/tfjs-backend-cpu'];

/** Every engine, one entry each; `auto` takes the first that is there. */
export const ENGINES = [
  {
    name: 'onnx',
    packages: [['onnxruntime-node'], TENSORS_ON_CPU],
    tensors: 'cpu',
    executionProvider: 'cpu',
    automatic: true,
    hasThreads: true,
    describe: ({ threads }) =>
      `onnx (compiled${threads === undefined ? '' : `, ${threads} threads`})`,
  },
  {
    name: 'tensorflow',
    packages: [['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']],
    tensors: 'tensorflow',
    automatic: true,
    hasThreads: true,
    threadsVariable: 'TF_NUM_INTRAOP_THREADS',
    describe: ({ packages }) => `tensorflow (${packages[0]})`,
  },
  {
    name: 'wasm',
    packages: [['@tensorflow/tfjs-backend-wasm']],
    tensors: 'wasm',
    automatic: true,
    describe: () => 'tfjs wasm',
  },
  {
    name: 'cpu',
    packages: [TENSORS_ON_CPU],
    tensors: 'cpu',
    automatic: true,
    describe: () => 'tfjs cpu',
  },
  {
    // ONNX Runtime brings its own WebGPU, so that one package serves both.
    name: 'webgpu',
    packages: [['onnxruntime-node'], TENSORS_ON_CPU],
    tensors: 'cpu',
    executionProvider: 'webgpu',
    describe: () => 'webgpu (compiled)',
  },
  {
    // CUDA is reached past the binding of ONNX Runtime.
    name: 'cuda',
    packages: [['onnxruntime-node'], ['koffi'], TENSORS_ON_CPU],
    tensors: 'cpu',
    executionProvider: 'cuda',
    describe: () => 'cuda (compiled)',
  },
] as const satisfies readonly Engine[];

/** The name of an engine. */
export type EngineName = (typeof ENGINES)[number]['name'];

/** Names of engines, and `auto`, which takes the first that is there of onnx, tensorflow, wasm and cpu. */
export const BACKEND_NAMES = ['auto', ...ENGINES.map(({ name }) => name)] as const;

/** An engine by name, or `auto`. */
export type BackendName = 'auto' | EngineName;
