import { split, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';
import { scaledDotProductAttention } from './attention.js';
import { dense } from './dense.js';
import { joinHeads, splitHeads } from './heads.js';
import type { SelfAttentionOptions } from './self-attention.js';

export interface CrossAttentionOptions extends SelfAttentionOptions {
  /** What is attended to, `[B, M, D]`. */
  readonly context: Tensor;
  /** Added to the scores, `[B, 1, 1, M]`: 0 for tokens to attend to, a large negative number for the others. */
  readonly bias: Tensor;
}

/**
 * Multi-head attention of tokens to other tokens. `q_linear`, `kv_linear` (keys, then values) and `proj` stand under
 * `name` in `weights`.
 *
 * @returns `[B, L, D]`; the caller owns it
 */
export function crossAttention(options: CrossAttentionOptions): Tensor {
  const { x, context, bias, weights, name, heads } = options;
  const query = splitHeads(dense({ x, weights, name: `${name}.q_linear` }), heads);
  const both = splitHeads(dense({ x: context, weights, name: `${name}.kv_linear` }), 2 * heads);
  const [key, value] = split(both, 2, 1) as [Tensor4D, Tensor4D];
  const mixed = joinHeads(scaledDotProductAttention({ query, key, value, bias }));
  return dense({ x: mixed, weights, name: `${name}.proj` });
}
