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
import { NORM_EPSILON } from './layer-norm.js';

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
