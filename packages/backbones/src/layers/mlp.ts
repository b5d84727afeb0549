import { add, erf, mul, sigmoid, square, type Tensor } from '@tensorflow/tfjs-core';
import { type DenseOptions, dense } from './linear.js';

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
