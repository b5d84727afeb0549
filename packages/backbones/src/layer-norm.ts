import { add, mean, mul, rsqrt, square, sub, type Tensor } from '@tensorflow/tfjs-core';
import type { Weights } from './weights.js';

/** Added to the variance by layer norms and group norms of this package, if nothing else is said. */
export const NORM_EPSILON = 1e-6;

export interface LayerNormOptions {
  /** Added to the variance. Default 1e-6. */
  readonly epsilon?: number;
}

/**
 * `(x - mean) / sqrt(variance + epsilon)` over the last axis, without scale or shift (Ba et al., 2016). Ops, in this
 * order: mean, sub, square, mean, add, rsqrt, mul. (Not squaredDifference: its gradient cannot broadcast in tfjs 4.22.)
 *
 * @param x `[..., D]`
 * @returns the shape of `x`; the caller owns it
 */
export function layerNorm(x: Tensor, { epsilon = NORM_EPSILON }: LayerNormOptions = {}): Tensor {
  const centered = sub(x, mean(x, -1, true));
  const variance = mean(square(centered), -1, true);
  return mul(centered, rsqrt(add(variance, epsilon)));
}

export interface AffineNormOptions {
  /** `[..., D]`. */
  readonly x: Tensor;
  readonly weights: Weights;
  /** Where `weight` and `bias` `[D]` stand in `weights`. */
  readonly name: string;
}

/** PyTorch's LayerNorm: epsilon 1e-5, then a learned scale and shift. The shape of `x`; the caller owns it. */
export function affineNorm({ x, weights, name }: AffineNormOptions): Tensor {
  const { weight, bias } = weights.affine(name);
  return add(mul(layerNorm(x, { epsilon: 1e-5 }), weight), bias);
}
