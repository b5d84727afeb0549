import {
  add,
  matMul,
  reshape,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';

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
