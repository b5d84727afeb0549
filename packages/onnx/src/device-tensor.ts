import type { Address } from './native-api.js';
import type { OrtTensor } from './ort.js';

/** What a {@link DeviceTensor} is made of. @internal */
export interface DeviceTensorOptions {
  /** The `OrtValue` that holds it. */
  readonly address: Address;
  readonly type: OrtTensor['type'];
  readonly dims: readonly number[];
  readonly release: (address: Address) => void;
}

/** A tensor that ONNX Runtime made in the memory of a device: fed to other graphs, read by none of our code. @internal */
export class DeviceTensor {
  readonly location = 'gpu-buffer';
  readonly type: OrtTensor['type'];
  readonly dims: readonly number[];
  readonly size: number;
  readonly #release: DeviceTensorOptions['release'];
  #address: Address | undefined;

  constructor({ address, type, dims, release }: DeviceTensorOptions) {
    this.#address = address;
    this.type = type;
    this.dims = dims;
    this.size = dims.reduce((product, size) => product * size, 1);
    this.#release = release;
  }

  /** @throws if it was disposed */
  get address(): Address {
    if (this.#address === undefined) throw new Error('The tensor was disposed.');
    return this.#address;
  }

  dispose(): void {
    if (this.#address !== undefined) this.#release(this.#address);
    this.#address = undefined;
  }
}
