import { engine } from '@tensorflow/tfjs-core';
import type { GraphArray, GraphWeight } from './graph.js';
import type { OrtRuntime, OrtTensor } from './runtime.js';

/**
 * Weights as ONNX Runtime tensors over the arrays that TensorFlow.js holds: on its `cpu` backend the very same memory,
 * elsewhere one copy. The same weight is handed out as the same tensor.
 */
export class WeightStore {
  readonly #runtime: OrtRuntime;
  readonly #tensors = new Map<object, OrtTensor>();

  constructor(runtime: OrtRuntime) {
    this.#runtime = runtime;
  }

  async tensor({ dataId, shape, dtype }: GraphWeight): Promise<OrtTensor> {
    const known = this.#tensors.get(dataId);
    if (known) return known;
    const values = await readWeight(dataId);
    const tensor = new this.#runtime.Tensor(dtype as 'float32', values as Float32Array, [...shape]);
    this.#tensors.set(dataId, tensor);
    return tensor;
  }

  clear(): void {
    this.#tensors.clear();
  }
}

/** The values of a weight, as the TensorFlow.js backend that owns it hands them out. */
export async function readWeight(dataId: object): Promise<GraphArray> {
  return (await engine().read(dataId)) as GraphArray;
}
