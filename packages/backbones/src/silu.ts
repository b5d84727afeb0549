import { mul, sigmoid, type Tensor } from '@tensorflow/tfjs-core';

/** `x * sigmoid(x)` (Elfwing et al., 2017). The shape of `x`; the caller owns it. */
export function silu<T extends Tensor>(x: T): T {
  return mul(x, sigmoid(x));
}
