import { getBackend, type Tensor } from '@tensorflow/tfjs-core';

/**
 * The values of float32 tensors where they lie, if the current backend is the one in JavaScript: there a plain loop takes a
 * fraction of the time of an op, which calls a function for every element. Undefined on all other backends.
 */
export function javascriptValues(...tensors: readonly Tensor[]): Float32Array[] | undefined {
  if (getBackend() !== 'cpu') return undefined;
  return tensors.map((tensor) => tensor.dataSync<'float32'>());
}
