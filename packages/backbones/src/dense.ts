import type { Rank, Tensor } from '@tensorflow/tfjs-core';
import { linear } from './linear.js';
import type { Weights } from './weights.js';

export interface DenseOptions {
  /** `[..., in]`. */
  readonly x: Tensor;
  readonly weights: Weights;
  /** Where `weight` `[in, out]` and, if there is one, `bias` `[out]` stand in `weights`. */
  readonly name: string;
}

/** {@link linear} with named weights. Returns `[..., out]`; the caller owns it. */
export function dense({ x, weights, name }: DenseOptions): Tensor {
  const weight = weights.get<Rank.R2>(`${name}.weight`);
  const bias = `${name}.bias`;
  return linear({ x, weight, bias: weights.has(bias) ? weights.get<Rank.R1>(bias) : undefined });
}
