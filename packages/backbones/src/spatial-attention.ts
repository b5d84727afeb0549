import { add, reshape, type Tensor4D } from '@tensorflow/tfjs-core';
import { scaledDotProductAttention } from './attention.js';
import { dense } from './dense.js';
import { groupNorm } from './group-norm.js';
import type { WeightedBlockOptions } from './resnet-block.js';

/**
 * `x + attention(norm(x))` with one head over all pixels, as in the middle of the Stable Diffusion VAE.
 *
 * @returns `[B, H, W, C]`; the caller owns it
 */
export function spatialAttention({ x, weights, name }: WeightedBlockOptions): Tensor4D {
  const [, height, width, channels] = x.shape;
  const normed = groupNorm({ x, ...weights.affine(`${name}.group_norm`) });
  const pixels = reshape(normed, [-1, 1, height * width, channels]);
  const project = (part: string): Tensor4D =>
    dense({ x: pixels, weights, name: `${name}.${part}` }) as Tensor4D;
  const mixed = scaledDotProductAttention({
    query: project('to_q'),
    key: project('to_k'),
    value: project('to_v'),
  });
  const output = dense({ x: mixed, weights, name: `${name}.to_out.0` });
  return add(x, reshape(output, [-1, height, width, channels]));
}
