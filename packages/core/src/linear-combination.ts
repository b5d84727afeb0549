import {
  add,
  getBackend,
  mul,
  slice,
  type Tensor,
  type Tensor4D,
  tensor,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';

/** A tensor and what it is multiplied by. */
export type Term<T extends Tensor = Tensor4D> = readonly [factor: number, tensor: T];

/**
 * `sum_i factor_i * tensor_i` of tensors of one shape, from left to right, with every factor, product and sum rounded to
 * float32: the very numbers of the ops, whatever the backend.
 *
 * @returns a tensor of its own
 */
export function linearCombination<T extends Tensor>(
  first: Term<T>,
  ...rest: readonly Term<T>[]
): T {
  const terms = [first, ...rest];
  const values = javascriptValues(...terms.map(([, x]) => x));
  if (!values) {
    return tidy(() => {
      const products = terms.map(([factor, x]) => mul<T>(x, factor));
      return products.reduce((sum, product) => add<T>(sum, product));
    });
  }
  const [, { shape, size }] = first;
  const result = new Float32Array(size);
  terms.forEach(([factor], k) => {
    const f = Math.fround(factor);
    const x = values[k] as Float32Array;
    for (let i = 0; i < size; i++) {
      const product = Math.fround(f * (x[i] as number));
      result[i] = k === 0 ? product : (result[i] as number) + product;
    }
  });
  return tensor(result, shape) as T;
}

/**
 * The values of float32 tensors where they lie, if the current backend is the one in JavaScript: there a plain loop takes a
 * fraction of the time of an op, which calls a function for every element. Undefined on all other backends.
 */
export function javascriptValues(...tensors: readonly Tensor[]): Float32Array[] | undefined {
  if (getBackend() !== 'cpu') return undefined;
  return tensors.map((tensor) => tensor.dataSync<'float32'>());
}

/**
 * Channels `begin` to `begin + count - 1` of an NHWC tensor.
 *
 * @returns `[batch, height, width, count]`
 */
export function channelRange(x: Tensor4D, begin: number, count: number): Tensor4D {
  const [batch, height, width, channels] = x.shape;
  if (begin === 0 && count === channels) return x.clone();
  const [values] = javascriptValues(x) ?? [];
  if (!values) return slice(x, [0, 0, 0, begin], [batch, height, width, count]);
  const result = new Float32Array(batch * height * width * count);
  for (let i = 0, from = begin; i < result.length; i += count, from += channels) {
    for (let k = 0; k < count; k++) result[i + k] = values[from + k] as number;
  }
  return tensor4d(result, [batch, height, width, count]);
}
