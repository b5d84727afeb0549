import type { Stream } from '@harmonica/core';
import { add, type Rank, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';
import { dense } from './dense.js';
import { modulatedNorm } from './modulated-norm.js';
import { patchify, unpatchify } from './patches.js';
import { contextOf, tokensOf } from './stream-tensors.js';
import type { Weights } from './weights.js';

/** Name of the fixed positions `[L, D]` among the weights. */
export const POSITIONS = 'constant.positions';

/** Rows of a block's modulation `[B, 6, D]`; each scale stands below its shift. */
export const MODULATION_ROWS = {
  attention: { shift: 0, gate: 2 },
  mlp: { shift: 3, gate: 5 },
} as const;

export interface PatchTokensOptions {
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

export interface AdaptiveFinalLayerOptions {
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
