import { reshape, type Tensor, type Tensor4D, transpose } from '@tensorflow/tfjs-core';

/** `[B, L, D]` as `[B, heads, L, D / heads]`. The caller owns it. */
export function splitHeads(x: Tensor, heads: number): Tensor4D {
  const [, tokens = 0, width = 0] = x.shape;
  return transpose(reshape(x, [-1, tokens, heads, width / heads]), [0, 2, 1, 3]);
}

/** `[B, heads, L, D / heads]` as `[B, L, D]`. The caller owns it. */
export function joinHeads(x: Tensor4D): Tensor {
  const [, heads, tokens, width] = x.shape;
  return reshape(transpose(x, [0, 2, 1, 3]), [-1, tokens, heads * width]);
}
