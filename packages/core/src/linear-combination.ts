import { add, mul, type Tensor, type Tensor4D, tensor } from '@tensorflow/tfjs-core';
import { javascriptValues } from './javascript-values.js';

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
    const products = terms.map(([factor, x]) => mul<T>(x, factor));
    return products.reduce((sum, product) => add<T>(sum, product));
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
