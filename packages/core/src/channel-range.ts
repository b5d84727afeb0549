import { slice, type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import { javascriptValues } from './javascript-values.js';

/**
 * Channels `begin` to `begin + count - 1` of an NHWC tensor.
 *
 * @returns `[batch, height, width, count]`
 */
export function channelRange(x: Tensor4D, begin: number, count: number): Tensor4D {
  const [batch, height, width, channels] = x.shape;
  if (begin === 0 && count === channels) return x.clone();
  const [values] = javascriptValues(x) ?? [];
  if (!values) return slice(x, [0, 0, 0, begin], [batch, height, width, count]);
  const result = new Float32Array(batch * height * width * count);
  for (let i = 0, from = begin; i < result.length; i += count, from += channels) {
    for (let k = 0; k < count; k++) result[i + k] = values[from + k] as number;
  }
  return tensor4d(result, [batch, height, width, count]);
}
