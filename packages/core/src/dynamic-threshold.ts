import {
  abs,
  add,
  clipByValue,
  div,
  maximum,
  minimum,
  mul,
  neg,
  reshape,
  slice,
  type Tensor2D,
  type Tensor4D,
  topk,
} from '@tensorflow/tfjs-core';
import type { DynamicThreshold } from './sampler-plan.js';

/**
 * Dynamic thresholding (Imagen 2022, Section 2.3), with the quantile interpolated linearly between the two nearest values.
 *
 * @param prediction `[batch, height, width, channels]`, not disposed
 * @returns the same shape; call it inside a `tf.tidy`
 */
export function applyThreshold(prediction: Tensor4D, threshold: DynamicThreshold): Tensor4D {
  const [batch, ...size] = prediction.shape;
  const values: Tensor2D = reshape(abs(prediction), [batch, size[0] * size[1] * size[2]]);
  const quantile = rowQuantile(values, threshold.ratio);
  const bound = reshape(clipByValue(quantile, 1, threshold.max), [batch, 1, 1, 1]);
  return div(minimum(maximum(prediction, neg(bound)), bound), bound);
}

/** `[batch, count]` to `[batch, 1]`. */
function rowQuantile(values: Tensor2D, ratio: number): Tensor2D {
  const [batch, count] = values.shape;
  const position = ratio * (count - 1);
  const below = Math.floor(position);
  const share = position - below;
  // Descending: the last of them is the value at `below`, the one before it its upper neighbour.
  const largest = topk(values, count - below).values as Tensor2D;
  const low = slice(largest, [0, count - below - 1], [batch, 1]);
  if (share === 0) return low;
  const high = slice(largest, [0, count - below - 2], [batch, 1]);
  return add(mul(low, 1 - share), mul(high, share));
}
