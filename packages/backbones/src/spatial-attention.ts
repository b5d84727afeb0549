import { add, reshape, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';
import { scaledDotProductAttention } from './attention.js';
import { groupNorm } from './group-norm.js';
import { linear } from './linear.js';
import type { WeightedBlockOptions } from './resnet-block.js';

/**
 * `x + attention(norm(x))` with one head over all pixels, as in the middle of the Stable Diffusion VAE.
 *
 * @returns `[B, H, W, C]`; the caller owns it
 */
export function spatialAttention({ x, weights, name }: WeightedBlockOptions): Tensor4D {
  const [, height, width, channels] = x.shape;
  const dense = (part: string, input: Tensor): Tensor =>
    linear({ x: input, ...weights.affine(`${name}.${part}`) });
  const normed = groupNorm({ x, ...weights.affine(`${name}.group_norm`) });
  const pixels = reshape(normed, [-1, 1, height * width, channels]);
  const mixed = scaledDotProductAttention({
    query: dense('to_q', pixels) as Tensor4D,
    key: dense('to_k', pixels) as Tensor4D,
    value: dense('to_v', pixels) as Tensor4D,
  });
  return add(x, reshape(dense('to_out.0', mixed), [-1, height, width, channels]));
}
