import {
  add,
  mean,
  mul,
  reshape,
  rsqrt,
  square,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import type { Weights } from '../weights/weights.js';

/** Added to the variance by layer norms and group norms of this package, if nothing else is said. */
const NORM_EPSILON = 1e-6;

/** Options of {@link layerNorm}. */
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

interface AffineNormOptions {
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

/** Options of {@link groupNorm}. */
export interface GroupNormOptions {
  /** `[B, H, W, C]`. */
  readonly x: Tensor4D;
  /** Scale, `[groups, C / groups]`. */
  readonly weight: Tensor2D;
  /** Shift, `[groups, C / groups]`. */
  readonly bias: Tensor2D;
}

/**
 * Group norm over space and the channels of each group, epsilon 1e-6 (Wu and He, 2018). Means are taken over space
 * first, then over a group's channels: both are reductions that engines run fast, and equal to the joint mean because
 * every channel has as many pixels.
 *
 * @returns `[B, H, W, C]`; the caller owns it
 */
export function groupNorm({ x, weight, bias }: GroupNormOptions): Tensor4D {
  const [, height, width, channels] = x.shape;
  const [groups, size] = weight.shape;
  return tidy(() => {
    const grouped = reshape(x, [-1, height * width, groups, size]);
    const centered = sub(grouped, groupMean(grouped));
    const variance = groupMean(square(centered));
    const scale = mul(rsqrt(add(variance, NORM_EPSILON)), weight);
    return reshape(add(mul(centered, scale), bias), [-1, height, width, channels]);
  });
}

/** `[B, H * W, groups, size]` to `[B, 1, groups, 1]`. */
function groupMean(grouped: Tensor): Tensor {
  return mean(mean(grouped, 1, true), 3, true);
}
