import { matMul, mul, softmax, type Tensor4D } from '@tensorflow/tfjs-core';

export interface AttentionOptions {
  /** `[B, heads, L, head width]`. */
  readonly query: Tensor4D;
  /** `[B, heads, M, head width]`. */
  readonly key: Tensor4D;
  /** `[B, heads, M, head width]`. */
  readonly value: Tensor4D;
}

/**
 * `softmax(q k^T / sqrt(head width)) v` (Vaswani et al., 2017, Eq. 1). Ops, in this order: mul, matMul (second operand
 * transposed), softmax, matMul.
 *
 * @returns `[B, heads, L, head width]`; the caller owns it
 */
export function scaledDotProductAttention({ query, key, value }: AttentionOptions): Tensor4D {
  const scaled = mul(query, query.shape[3] ** -0.5);
  return matMul(softmax(matMul(scaled, key, false, true)), value) as Tensor4D;
}
