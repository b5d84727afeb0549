import {
  add,
  matMul,
  mul,
  type Rank,
  reshape,
  softmax,
  split,
  sum,
  type Tensor,
  type Tensor4D,
  transpose,
} from '@tensorflow/tfjs-core';
import type { Weights } from '../weights/weights.js';
import { dense } from './linear.js';
import { affineNorm } from './norms.js';

/** Options of {@link scaledDotProductAttention}. */
export interface AttentionOptions {
  /** `[B, heads, L, head width]`. */
  readonly query: Tensor4D;
  /** `[B, heads, M, head width]`. */
  readonly key: Tensor4D;
  /** `[B, heads, M, head width]`. */
  readonly value: Tensor4D;
  /** Added to the scores before the softmax, such as a mask; broadcasts to `[B, heads, L, M]`. Default: none. */
  readonly bias?: Tensor | undefined;
}

/**
 * `softmax(q k^T / sqrt(head width) + bias) v` (Vaswani et al., 2017, Eq. 1). Ops, in this order: mul, matMul (second
 * operand transposed), add if there is a bias, softmax, matMul.
 *
 * @returns `[B, heads, L, head width]`; the caller owns it
 */
export function scaledDotProductAttention(options: AttentionOptions): Tensor4D {
  const { query, key, value, bias } = options;
  const scores = matMul(mul(query, query.shape[3] ** -0.5), key, false, true);
  return matMul(softmax(bias ? add(scores, bias) : scores), value) as Tensor4D;
}

interface SelfAttentionOptions {
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

interface CrossAttentionOptions extends SelfAttentionOptions {
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

/** A grid of tokens, and the square of them that becomes one. */
interface TokenGrid {
  readonly rows: number;
  readonly columns: number;
  /** Side of the square, a divisor of both. */
  readonly factor: number;
}

interface CompressedAttentionOptions extends SelfAttentionOptions {
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

/** `[B, L, D]` as `[B, heads, L, D / heads]`. The caller owns it. */
function splitHeads(x: Tensor, heads: number): Tensor4D {
  const [, tokens = 0, width = 0] = x.shape;
  return transpose(reshape(x, [-1, tokens, heads, width / heads]), [0, 2, 1, 3]);
}

/** `[B, heads, L, D / heads]` as `[B, L, D]`. The caller owns it. */
function joinHeads(x: Tensor4D): Tensor {
  const [, heads, tokens, width] = x.shape;
  return reshape(transpose(x, [0, 2, 1, 3]), [-1, tokens, heads * width]);
}
