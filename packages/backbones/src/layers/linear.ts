import {
  add,
  conv2d,
  matMul,
  type Rank,
  reshape,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type { Weights } from '../weights/weights.js';

/** Options of {@link linear}. */
export interface LinearOptions {
  /** `[..., in]`, rank 2 or more. */
  readonly x: Tensor;
  /** `[in, out]`: the transpose of what PyTorch stores. */
  readonly weight: Tensor2D;
  /** `[out]`. Default: none. */
  readonly bias?: Tensor1D | undefined;
}

/**
 * `x W + b` over the last axis. Leading axes are folded into one, so that any rank is a single matrix product.
 *
 * @returns `[..., out]`; the caller owns it
 */
export function linear({ x, weight, bias }: LinearOptions): Tensor {
  const [inputs, outputs] = weight.shape;
  const product = matMul(x.rank === 2 ? x : reshape(x, [-1, inputs]), weight);
  const rows = bias ? add(product, bias) : product;
  return x.rank === 2 ? rows : reshape(rows, [-1, ...x.shape.slice(1, -1), outputs]);
}

export interface DenseOptions {
  /** `[..., in]`. */
  readonly x: Tensor;
  readonly weights: Weights;
  /** Where `weight` `[in, out]` and, if there is one, `bias` `[out]` stand in `weights`. */
  readonly name: string;
}

/** {@link linear} with named weights. Returns `[..., out]`; the caller owns it. */
export function dense({ x, weights, name }: DenseOptions): Tensor {
  const weight = weights.get<Rank.R2>(`${name}.weight`);
  const bias = `${name}.bias`;
  return linear({ x, weight, bias: weights.has(bias) ? weights.get<Rank.R1>(bias) : undefined });
}

interface ConvolutionOptions {
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
