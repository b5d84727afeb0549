import type { Stream } from '@harmonica/core';
import {
  add,
  mean,
  mul,
  type Rank,
  reshape,
  rsqrt,
  slice,
  square,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import type { Weights } from '../weights/weights.js';
import { dense } from './linear.js';
import { patchify, unpatchify } from './patches.js';
import { contextOf, tokensOf } from './stream.js';

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

interface ModulatedNormOptions {
  /** `[B, L, D]`. */
  readonly x: Tensor;
  /** `[B, rows, D]`: shifts, scales and gates of one block, made from the condition. */
  readonly modulation: Tensor3D;
  /** Row of the shift; the scale is the next row. */
  readonly row: number;
}

/**
 * Adaptive layer norm: `layerNorm(x) * (1 + scale) + shift` (Peebles and Xie, 2022, Sec. 3.2).
 *
 * @returns `[B, L, D]`; the caller owns it
 */
export function modulatedNorm({ x, modulation, row }: ModulatedNormOptions): Tensor {
  const shift = modulationRow(modulation, row);
  const scale = modulationRow(modulation, row + 1);
  return add(mul(layerNorm(x), add(scale, 1)), shift);
}

/** One row of a modulation `[B, rows, D]` as `[B, 1, D]`, which broadcasts over tokens. The caller owns it. */
export function modulationRow(modulation: Tensor3D, row: number): Tensor3D {
  return slice(modulation, [0, row, 0], [-1, 1, -1]);
}

/** Name of the fixed positions `[L, D]` among the weights. */
export const POSITIONS = 'constant.positions';

/** Rows of a block's modulation `[B, 6, D]`; each scale stands below its shift. */
export const MODULATION_ROWS = {
  attention: { shift: 0, gate: 2 },
  mlp: { shift: 3, gate: 5 },
} as const;

interface PatchTokensOptions {
  /** `[B, H, W, C]`. */
  readonly latent: Tensor4D;
  readonly weights: Weights;
  readonly patchSize: number;
}

/** Tokens of a latent's patches at their positions: `[B, L, D]`. The caller owns them. */
export function patchTokens({ latent, weights, patchSize }: PatchTokensOptions): Tensor {
  const patches = patchify({ image: latent, patchSize });
  return add(dense({ x: patches, weights, name: 'x_embedder.proj' }), weights.get(POSITIONS));
}

interface AdaptiveFinalLayerOptions {
  /** With `final` `[B, 2, D]` in its context. */
  readonly stream: Stream;
  readonly weights: Weights;
  readonly patchSize: number;
  readonly rows: number;
  readonly columns: number;
}

/** The adaptive norm and linear layer that end a model, as an image `[B, H, W, C]`. The caller owns it. */
export function adaptiveFinalLayer(options: AdaptiveFinalLayerOptions): Tensor4D {
  const { stream, weights, ...grid } = options;
  const modulation = contextOf<Rank.R3>(stream, 'final');
  const x = modulatedNorm({ x: tokensOf(stream), modulation, row: 0 });
  return unpatchify({ patches: dense({ x, weights, name: 'final_layer.linear' }), ...grid });
}
