import type * as OrtModule from 'onnxruntime-common';

/** The parts of `onnxruntime-node` and `onnxruntime-web` that are used. */
export interface OrtRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: CreateOptions): Promise<OrtSession>;
  };
  readonly Tensor: typeof OrtModule.Tensor;
}

export type OrtTensor = OrtModule.Tensor;
export type CreateOptions = OrtModule.InferenceSession.SessionOptions;

/** Tensors by the names of inputs or results. */
export type Tensors = Readonly<Record<string, OrtTensor>>;

export interface OrtSession {
  /** @param fetches where results shall be written; without it all of them are made */
  run(feeds: Tensors, fetches?: Tensors): Promise<Tensors>;
  release(): Promise<void>;
}

/** Where an output of a session is left. */
export type OutputLocation = 'cpu' | 'gpu-buffer';
