import { split, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';
import { scaledDotProductAttention } from './attention.js';
import { dense } from './dense.js';
import { joinHeads, splitHeads } from './heads.js';
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
  const qkv = splitHeads(dense({ x, weights, name: `${name}.qkv` }), 3 * heads);
  const [query, key, value] = split(qkv, 3, 1) as [Tensor4D, Tensor4D, Tensor4D];
  const mixed = joinHeads(scaledDotProductAttention({ query, key, value }));
  return dense({ x: mixed, weights, name: `${name}.proj` });
}
