import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { TraceBackend } from '../trace-backend.js';

/** The arguments of a kernel call, as TensorFlow.js hands them over. Optional inputs may be missing. */
export interface KernelCall {
  readonly trace: TraceBackend;
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  // Every kernel has attributes of its own; each destructures what its TensorFlow.js counterpart documents.
  // biome-ignore lint/suspicious/noExplicitAny: the registry of TensorFlow.js is untyped here
  readonly attrs: any;
}

/** Records one TensorFlow.js kernel call as graph nodes. */
export type TraceKernel = (call: KernelCall) => TensorInfo | TensorInfo[];

/** Kernels by their TensorFlow.js name. */
export type KernelTable = Readonly<Record<string, TraceKernel>>;

/** The input `name`, which TensorFlow.js promises to be there. */
export function input({ inputs }: KernelCall, name: string): TensorInfo {
  return inputs[name] as TensorInfo;
}
