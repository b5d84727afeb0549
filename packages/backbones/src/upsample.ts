import { concat, reshape, type Tensor4D } from '@tensorflow/tfjs-core';

/**
 * Doubles height and width by repeating every pixel (nearest neighbour): each pixel beside itself, then each row below
 * itself. Only reshapes and concatenations, so it runs and traces everywhere.
 *
 * @param x `[B, H, W, C]`
 * @returns `[B, 2 H, 2 W, C]`; the caller owns it
 */
export function upsample(x: Tensor4D): Tensor4D {
  const [, height, width, channels] = x.shape;
  const pixels = reshape(x, [-1, 1, channels]);
  const rows = reshape(concat([pixels, pixels], 1), [-1, 1, 2 * width * channels]);
  return reshape(concat([rows, rows], 1), [-1, 2 * height, 2 * width, channels]);
}
