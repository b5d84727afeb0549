import { add, mul, type Rank, reshape, split, sum, type Tensor } from '@tensorflow/tfjs-core';
import { scaledDotProductAttention } from './attention.js';
import { dense } from './dense.js';
import { joinHeads, splitHeads } from './heads.js';
import { affineNorm } from './layer-norm.js';
import type { SelfAttentionOptions } from './self-attention.js';
import type { Weights } from './weights.js';

/** A grid of tokens, and the square of them that becomes one. */
export interface TokenGrid {
  readonly rows: number;
  readonly columns: number;
  /** Side of the square, a divisor of both. */
  readonly factor: number;
}

export interface CompressedAttentionOptions extends SelfAttentionOptions {
  readonly grid: TokenGrid;
}

/**
 * Multi-head self-attention to compressed keys and values (Chen et al., 2024, Sec. 3.3): a convolution of each channel
 * alone, `sr`, merges each square of tokens of both, and a layer norm, `norm`, follows.
 *
 * @returns `[B, L, D]`; the caller owns it
 */
export function compressedAttention(options: CompressedAttentionOptions): Tensor {
  const { x, weights, name, heads, grid } = options;
  const [, tokens = 0, width = 0] = x.shape;
  const qkv = reshape(dense({ x, weights, name: `${name}.qkv` }), [-1, tokens, 3, width]);
  const [query, key, value] = split(qkv, 3, 2).map((part) =>
    reshape(part, [-1, tokens, width]),
  ) as [Tensor, Tensor, Tensor];
  const compressed = (part: Tensor) =>
    splitHeads(compressTokens({ x: part, weights, name, grid }), heads);
  const mixed = scaledDotProductAttention({
    query: splitHeads(query, heads),
    key: compressed(key),
    value: compressed(value),
  });
  return dense({ x: joinHeads(mixed), weights, name: `${name}.proj` });
}

interface CompressTokensOptions {
  /** `[B, L, D]`. */
  readonly x: Tensor;
  readonly weights: Weights;
  /** Where `sr` and `norm` stand in `weights`. */
  readonly name: string;
  readonly grid: TokenGrid;
}

/**
 * The convolution as products and sums: over the rows of each square, then over its columns, which lie beside each other
 * as channels. Returns `[B, L / factor^2, D]`.
 */
function compressTokens({ x, weights, name, grid }: CompressTokensOptions): Tensor {
  const [, tokens = 0, width = 0] = x.shape;
  const { columns, factor } = grid;
  const { weight, bias } = weights.affine<Rank.R4, Rank.R1>(`${name}.sr`);
  const squares = reshape(x, [-1, factor, columns / factor, factor * width]);
  const summed = sum(mul(squares, weight), 1);
  const merged = add(sum(reshape(summed, [-1, factor, width]), 1), bias);
  const normed = affineNorm({ x: merged, weights, name: `${name}.norm` });
  return reshape(normed, [-1, tokens / factor ** 2, width]);
}
