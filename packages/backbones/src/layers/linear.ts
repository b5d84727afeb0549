import {
  add,
  conv2d,
  erf,
  matMul,
  mul,
  type Rank,
  reshape,
  sigmoid,
  square,
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

interface DenseOptions {
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

interface MlpOptions extends DenseOptions {
  /** Default: the tanh form of GELU. */
  readonly activation?: (x: Tensor) => Tensor;
}

/** `fc2(activation(fc1(x)))`, with both layers under `name`. Returns `[..., out]`; the caller owns it. */
export function mlp({ x, weights, name, activation = gelu }: MlpOptions): Tensor {
  const hidden = activation(dense({ x, weights, name: `${name}.fc1` }));
  return dense({ x: hidden, weights, name: `${name}.fc2` });
}

/** `x * sigmoid(x)` (Elfwing et al., 2017). The shape of `x`; the caller owns it. */
export function silu<T extends Tensor>(x: T): T {
  return mul(x, sigmoid(x));
}

const LINEAR = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715 * LINEAR;

/**
 * The tanh form of GELU, `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))` (Hendrycks and Gimpel, 2016). Written
 * with `(1 + tanh z) / 2 = sigmoid(2 z)`, which is the same function in fewer ops: square, mul, add, mul, sigmoid, mul.
 *
 * @returns the shape of `x`; the caller owns it
 */
export function gelu(x: Tensor): Tensor {
  return mul(x, sigmoid(mul(x, add(mul(square(x), CUBIC), LINEAR))));
}

/**
 * GELU itself, `x / 2 * (1 + erf(x / sqrt(2)))` (Hendrycks and Gimpel, 2016). Ops, in this order: mul, erf, add, mul,
 * mul.
 *
 * @returns the shape of `x`; the caller owns it
 */
export function exactGelu(x: Tensor): Tensor {
  return mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
}
