import type * as OrtModule from 'onnxruntime-common';
import type { InferenceSession } from 'onnxruntime-common';

/** The parts of `onnxruntime-node` and `onnxruntime-web` that are used. */
export interface OrtRuntime {
  readonly InferenceSession: {
    /** A session of a model in ONNX's format. */
    create(model: Uint8Array, options: CreateOptions): Promise<OrtSession>;
  };
  readonly Tensor: typeof OrtModule.Tensor;
}

/** A tensor of ONNX Runtime. */
export type OrtTensor = OrtModule.Tensor;
/** What ONNX Runtime takes to make a session. */
export type CreateOptions = OrtModule.InferenceSession.SessionOptions;

/** Tensors by the names of inputs or results. */
export type Tensors = Readonly<Record<string, OrtTensor>>;

/** A graph that is ready to run. */
export interface OrtSession {
  /**
   * Runs the graph once.
   *
   * @param fetches where results shall be written; without it all of them are made
   */
  run(feeds: Tensors, fetches?: Tensors): Promise<Tensors>;
  /** Frees the session. */
  release(): Promise<void>;
}

/** Where an output of a session is left. */
export type OutputLocation = 'cpu' | 'gpu-buffer';

/** What shall run graphs, by name or with settings, as ONNX Runtime takes it. */
export type ExecutionProvider = InferenceSession.ExecutionProviderConfig;

/** What shall run graphs, in order of preference. Default: the CPU. */
interface Providers {
  readonly executionProviders?: readonly ExecutionProvider[] | undefined;
}

/** The names of what shall run graphs. */
export function providerNames({ executionProviders = ['cpu'] }: Providers): readonly string[] {
  return executionProviders.map((each) => (typeof each === 'string' ? each : each.name));
}

/** Whether the CPU runs them, so that weights can be fed from memory at each run without a copy. */
export function runsOnCpu(options: Providers): boolean {
  return providerNames(options).every((name) => name === 'cpu');
}

/** Whether results stay in the memory of a device, so that nothing travels between two graphs. */
export function keepsOnDevice(options: Providers): boolean {
  return ['cuda', 'webgpu'].includes(providerNames(options)[0] ?? 'cpu');
}
