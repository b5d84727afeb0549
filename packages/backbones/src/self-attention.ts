import { reshape, split, type Tensor, type Tensor4D, transpose } from '@tensorflow/tfjs-core';
import { scaledDotProductAttention } from './attention.js';
import { dense } from './dense.js';
import type { Weights } from './weights.js';

export interface SelfAttentionOptions {
  /** `[B, L, D]`. */
  readonly x: Tensor;
  readonly weights: Weights;
  /** Where `qkv` and `proj` stand in `weights`. */
  readonly name: string;
  readonly heads: number;
}

/**
 * Multi-head self-attention with one projection to queries, keys and values, as in timm. The three are split as
 * neighbouring heads of one rank-4 tensor, because transposing rank 5 is slow on some backends.
 *
 * @returns `[B, L, D]`; the caller owns it
 */
export function selfAttention({ x, weights, name, heads }: SelfAttentionOptions): Tensor {
  const [, tokens = 0, width = 0] = x.shape;
  const qkv = dense({ x, weights, name: `${name}.qkv` });
  const perHead = transpose(reshape(qkv, [-1, tokens, 3 * heads, width / heads]), [0, 2, 1, 3]);
  const [query, key, value] = split(perHead, 3, 1) as [Tensor4D, Tensor4D, Tensor4D];
  const mixed = transpose(scaledDotProductAttention({ query, key, value }), [0, 2, 1, 3]);
  return dense({ x: reshape(mixed, [-1, tokens, width]), weights, name: `${name}.proj` });
}
