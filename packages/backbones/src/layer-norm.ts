import { add, mean, mul, rsqrt, square, sub, type Tensor } from '@tensorflow/tfjs-core';

/** Added to the variance by every layer norm and group norm of this package. */
export const NORM_EPSILON = 1e-6;

/**
 * `(x - mean) / sqrt(variance + 1e-6)` over the last axis, without scale or shift (Ba et al., 2016). Ops, in this
 * order: mean, sub, square, mean, add, rsqrt, mul. (Not squaredDifference: its gradient cannot broadcast in tfjs 4.22.)
 *
 * @param x `[..., D]`
 * @returns the shape of `x`; the caller owns it
 */
export function layerNorm(x: Tensor): Tensor {
  const centered = sub(x, mean(x, -1, true));
  const variance = mean(square(centered), -1, true);
  return mul(centered, rsqrt(add(variance, NORM_EPSILON)));
}
