import type { Tensor } from '@tensorflow/tfjs-core';
import { type DenseOptions, dense } from './dense.js';
import { gelu } from './gelu.js';

export interface MlpOptions extends DenseOptions {
  /** Default: the tanh form of GELU. */
  readonly activation?: (x: Tensor) => Tensor;
}

/** `fc2(activation(fc1(x)))`, with both layers under `name`. Returns `[..., out]`; the caller owns it. */
export function mlp({ x, weights, name, activation = gelu }: MlpOptions): Tensor {
  const hidden = activation(dense({ x, weights, name: `${name}.fc1` }));
  return dense({ x: hidden, weights, name: `${name}.fc2` });
}
