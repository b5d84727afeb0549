import { add, matMul, mul, softmax, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';

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
