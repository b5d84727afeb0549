import { Tensor } from 'onnxruntime-common';
import { ELEMENT_TYPES, sizeOf } from './graph.js';
import type { Address, NativeApi } from './native-api.js';
import type { OrtTensor } from './ort.js';

/** `ONNXTensorElementDataType`, and the arrays that hold such elements. */
const NATIVE_TYPES = { ...ELEMENT_TYPES, uint8: { code: 2, ArrayOf: Uint8Array } };

type ElementType = keyof typeof NATIVE_TYPES;

/** From tensors to the values (`OrtValue`) of ONNX Runtime's C API and back. @internal */
export class NativeValues {
  readonly #api: NativeApi;
  readonly #memory: Address;

  /** @param memory that of the CPU */
  constructor(api: NativeApi, memory: Address) {
    this.#api = api;
    this.#memory = memory;
  }

  /** Gives `use` the values of tensors, in their order. */
  withValues(tensors: readonly OrtTensor[], use: (values: readonly Address[]) => void): void {
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
    const { code } = NATIVE_TYPES[type as ElementType];
    return this.#api.made((out) =>
      this.#api.functions.createTensorWithDataAsOrtValue(
        this.#memory,
        values,
        values.byteLength,
        shape,
        shape.length,
        code,
        out,
      ),
    );
  }

  /** The results of a binding, in the order in which they were bound. The caller releases them. */
  boundValues(binding: Address): readonly Address[] {
    const { functions, memoryAt } = this.#api;
    const allocator = this.#api.made((out) => functions.getAllocatorWithDefaultOptions(out));
    const [list, count] = [new BigUint64Array(1), new BigUint64Array(1)];
    functions.getBoundOutputValues(binding, allocator, list, count);
    const [at] = list as unknown as [Address];
    const values = [...new BigUint64Array(memoryAt(at, 8 * Number(count[0])))];
    functions.allocatorFree(allocator, at);
    return values;
  }

  onDevice(address: Address): DeviceTensor {
    const release = (value: Address) => void this.#api.functions.releaseValue(value);
    return new DeviceTensor({ address, ...this.#shapeOf(address), release });
  }

  /** A copy of a value in the memory of the CPU; the value is released. */
  taken(value: Address): OrtTensor {
    const { functions, memoryAt } = this.#api;
    try {
      const { type, dims } = this.#shapeOf(value);
      const { ArrayOf } = NATIVE_TYPES[type];
      const size = sizeOf(dims);
      const data = this.#api.made((out) => functions.getTensorMutableData(value, out));
      const bytes =
        size === 0 ? new ArrayBuffer(0) : memoryAt(data, size * ArrayOf.BYTES_PER_ELEMENT);
      return new Tensor(type as 'float32', new ArrayOf(bytes).slice() as Float32Array, dims);
    } finally {
      functions.releaseValue(value);
    }
  }

  #shapeOf(value: Address): { readonly type: ElementType; readonly dims: readonly number[] } {
    const { functions } = this.#api;
    const info = this.#api.made((out) => functions.getTensorTypeAndShape(value, out));
    try {
      const [element, count] = [new Int32Array(1), new BigUint64Array(1)];
      functions.getTensorElementType(info, element);
      functions.getDimensionsCount(info, count);
      const dims = new BigInt64Array(Number(count[0]));
      functions.getDimensions(info, dims, dims.length);
      const known = Object.entries(NATIVE_TYPES).find(([, { code }]) => code === element[0]);
      return { type: known?.[0] as ElementType, dims: Array.from(dims, Number) };
    } finally {
      functions.releaseTensorTypeAndShapeInfo(info);
    }
  }
}

/** What a {@link DeviceTensor} is made of. @internal */
interface DeviceTensorOptions {
  /** The `OrtValue` that holds it. */
  readonly address: Address;
  readonly type: OrtTensor['type'];
  readonly dims: readonly number[];
  readonly release: (address: Address) => void;
}

/** A tensor that ONNX Runtime made in the memory of a device: fed to other graphs, read by none of our code. @internal */
class DeviceTensor {
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
    this.size = sizeOf(dims);
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
