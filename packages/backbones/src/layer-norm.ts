import { add, mean, mul, rsqrt, squaredDifference, sub, type Tensor } from '@tensorflow/tfjs-core';

/** Added to the variance by every layer norm and group norm of this package. */
export const NORM_EPSILON = 1e-6;

/**
 * `(x - mean) / sqrt(variance + 1e-6)` over the last axis, without scale or shift (Ba et al., 2016). Ops, in this
 * order: mean, squaredDifference, mean, add, rsqrt, sub, mul.
 *
 * @param x `[..., D]`
 * @returns the shape of `x`; the caller owns it
 */
export function layerNorm(x: Tensor): Tensor {
  const center = mean(x, -1, true);
  const variance = mean(squaredDifference(x, center), -1, true);
  return mul(sub(x, center), rsqrt(add(variance, NORM_EPSILON)));
}
