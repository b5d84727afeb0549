import { engine } from '@tensorflow/tfjs-core';
import type { GraphArray, GraphWeight } from './graph.js';
import type { OrtRuntime, OrtTensor } from './ort.js';
import { remembered } from './remembered.js';

/** Takes a tensor to the memory of a device. */
type Upload = (tensor: OrtTensor, weight: GraphWeight) => Promise<OrtTensor>;

/**
 * Weights as ONNX Runtime tensors over the arrays that TensorFlow.js holds: on its `cpu` backend the very same memory,
 * elsewhere one copy. The same weight is handed out as the same tensor.
 */
export class WeightStore {
  readonly #runtime: OrtRuntime;
  readonly #upload: Upload | undefined;
  readonly #tensors = new Map<object, Promise<OrtTensor>>();

  /** @param upload for engines with memory of their own */
  constructor(runtime: OrtRuntime, upload?: Upload) {
    this.#runtime = runtime;
    this.#upload = upload;
  }

  tensor(weight: GraphWeight): Promise<OrtTensor> {
    return remembered(this.#tensors, weight.dataId, () => this.#create(weight));
  }

  async clear(): Promise<void> {
    const tensors = await Promise.all(this.#tensors.values());
    this.#tensors.clear();
    if (this.#upload) for (const tensor of tensors) tensor.dispose();
  }

  async #create(weight: GraphWeight): Promise<OrtTensor> {
    const { dataId, shape, dtype } = weight;
    const values = (await readWeight(dataId)) as Float32Array;
    const tensor = new this.#runtime.Tensor(dtype as 'float32', values, [...shape]);
    return this.#upload ? this.#upload(tensor, weight) : tensor;
  }
}

/** The values of a weight, as the TensorFlow.js backend that owns it hands them out. */
export async function readWeight(dataId: object): Promise<GraphArray> {
  return (await engine().read(dataId)) as GraphArray;
}
