import type { Tensor } from '@tensorflow/tfjs-core';
import { ELEMENT_TYPES, type GraphDType, type GraphValue, sizeOf } from './graph.js';
import type { OrtRuntime, OrtTensor } from './ort.js';

/** A tensor of the pool; given back when its last user lets go of it. */
export interface PooledTensor {
  readonly tensor: OrtTensor;
  readonly shape: readonly number[];
  readonly dtype: GraphDType;
  users: number;
}

/** Tensors in the memory of the CPU that are used again, so that a steady run allocates nothing. */
export class TensorPool {
  readonly #runtime: OrtRuntime;
  readonly #free = new Map<string, PooledTensor[]>();
  readonly #made = new WeakSet<PooledTensor>();

  constructor(runtime: OrtRuntime) {
    this.#runtime = runtime;
  }

  /** A tensor of undefined content, with one user. */
  acquire(shape: readonly number[], dtype: GraphDType = 'float32'): PooledTensor {
    const pooled = this.#free.get(keyOf(shape, dtype))?.pop() ?? this.#create(shape, dtype);
    pooled.users = 1;
    return pooled;
  }

  /** A tensor that ONNX Runtime made is disposed instead. */
  release(pooled: PooledTensor): void {
    pooled.users -= 1;
    if (pooled.users > 0) return;
    if (!this.#made.has(pooled)) {
      pooled.tensor.dispose();
      return;
    }
    const key = keyOf(pooled.shape, pooled.dtype);
    const list = this.#free.get(key);
    if (list) list.push(pooled);
    else this.#free.set(key, [pooled]);
  }

  clear(): void {
    this.#free.clear();
  }

  #create(shape: readonly number[], dtype: GraphDType): PooledTensor {
    const tensor = emptyTensor(this.#runtime, { shape, dtype });
    const pooled = { tensor, shape: [...shape], dtype, users: 0 };
    this.#made.add(pooled);
    return pooled;
  }
}

/** A new tensor of zeros in the memory of the CPU. */
export function emptyTensor(
  runtime: OrtRuntime,
  { shape, dtype }: Omit<GraphValue, 'name'>,
): OrtTensor {
  const values = new ELEMENT_TYPES[dtype].ArrayOf(sizeOf(shape)) as Float32Array;
  return new runtime.Tensor(dtype as 'float32', values, [...shape]);
}

/** A tensor of TensorFlow.js as one of ONNX Runtime, over the same memory where that can be had. */
export async function fed(runtime: OrtRuntime, source: Tensor): Promise<OrtTensor> {
  const values = (await source.data()) as Float32Array;
  return new runtime.Tensor(source.dtype as 'float32', values, source.shape);
}

/** Bytes of an element. */
export function bytesOf(dtype: GraphDType): number {
  return ELEMENT_TYPES[dtype].ArrayOf.BYTES_PER_ELEMENT;
}

function keyOf(shape: readonly number[], dtype: GraphDType): string {
  return `${dtype}[${shape}]`;
}
