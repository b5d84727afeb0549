import { add, type Tensor4D } from '@tensorflow/tfjs-core';
import { convolution } from './convolution.js';
import { groupNorm } from './group-norm.js';
import { silu } from './silu.js';
import type { Weights } from './weights.js';

export interface WeightedBlockOptions {
  /** `[B, H, W, C]`. */
  readonly x: Tensor4D;
  readonly weights: Weights;
  /** Where the block's parameters stand in `weights`. */
  readonly name: string;
}

/**
 * `x + conv2(silu(norm2(conv1(silu(norm1(x))))))`, with a 1 x 1 convolution on the skip where channels change.
 *
 * @returns `[B, H, W, out]`; the caller owns it
 */
export function resnetBlock({ x, weights, name }: WeightedBlockOptions): Tensor4D {
  const half = (input: Tensor4D, number: 1 | 2): Tensor4D => {
    const normed = groupNorm({ x: input, ...weights.affine(`${name}.norm${number}`) });
    return convolution({ x: silu(normed), ...weights.affine(`${name}.conv${number}`) });
  };
  const shortcut = `${name}.conv_shortcut`;
  const skip = weights.has(`${shortcut}.weight`)
    ? convolution({ x, ...weights.affine(shortcut) })
    : x;
  return add(skip, half(half(x, 1), 2));
}
