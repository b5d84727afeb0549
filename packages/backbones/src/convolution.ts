import { add, conv2d, type Tensor1D, type Tensor4D } from '@tensorflow/tfjs-core';

export interface ConvolutionOptions {
  /** `[B, H, W, in]`. */
  readonly x: Tensor4D;
  /** `[k, k, in, out]`. */
  readonly weight: Tensor4D;
  /** `[out]`. */
  readonly bias: Tensor1D;
  /** Default 1. */
  readonly stride?: number;
}

/**
 * A convolution with bias that keeps the size of the image, or divides it by `stride`. Padding is TensorFlow's `same`:
 * symmetric at stride 1; at stride 2 with a 3 x 3 kernel and even sizes one row below and one column to the right,
 * which is the asymmetric padding of the Stable Diffusion VAE.
 *
 * @returns `[B, H / stride, W / stride, out]`; the caller owns it
 */
export function convolution({ x, weight, bias, stride = 1 }: ConvolutionOptions): Tensor4D {
  return add(conv2d(x, weight, stride, 'same'), bias);
}
