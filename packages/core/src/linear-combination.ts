import { add, mul, type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import { javascriptValues } from './javascript-values.js';

/** A tensor and what it is multiplied by. */
export type Term = readonly [factor: number, tensor: Tensor4D];

/**
 * `sum_i factor_i * tensor_i` of tensors of one shape, from left to right, with every factor, product and sum rounded to
 * float32: the very numbers of the ops, whatever the backend.
 *
 * @returns a tensor of its own
 */
export function linearCombination(first: Term, ...rest: readonly Term[]): Tensor4D {
  const terms = [first, ...rest];
  const values = javascriptValues(...terms.map(([, tensor]) => tensor));
  if (!values) {
    const products = terms.map(([factor, tensor]) => mul(tensor, factor) as Tensor4D);
    return products.reduce((sum, product) => add(sum, product) as Tensor4D);
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
  return tensor4d(result, shape);
}
