import type { Tensor } from '@tensorflow/tfjs-core';
import { linear } from './linear.js';
import type { Weights } from './weights.js';

export interface DenseOptions {
  /** `[..., in]`. */
  readonly x: Tensor;
  readonly weights: Weights;
  /** Where `weight` `[in, out]` and `bias` `[out]` stand in `weights`. */
  readonly name: string;
}

/** {@link linear} with named weights. Returns `[..., out]`; the caller owns it. */
export function dense({ x, weights, name }: DenseOptions): Tensor {
  return linear({ x, ...weights.affine(name) });
}
