import { createRng } from '@harmonica/core';
import { add, grad, mul, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';

/** A tensor of standard normal numbers. */
export function randomTensor(seed: number, shape: readonly number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(createRng({ seed }).fillNormal(new Float32Array(size)), [...shape]);
}

/**
 * How far the derivative of `<u, f(x)>` along v, for random u and v, is from its central difference, relative to the
 * difference. One number tests the whole vector-Jacobian product; float32 and the step of 0.01 leave it 1e-3 or so.
 */
export function directionalError(f: (x: Tensor) => Tensor, x: Tensor): number {
  const step = 0.01;
  return tidy(() => {
    const direction = randomTensor(11, x.shape);
    const weights = randomTensor(12, f(x).shape);
    const along = dot(grad(f)(x, weights), direction);
    const at = (distance: number) => dot(f(add(x, mul(direction, distance))), weights);
    const difference = (at(step) - at(-step)) / (2 * step);
    return Math.abs(along - difference) / Math.abs(difference);
  });
}

/** In float64. */
function dot(a: Tensor, b: Tensor): number {
  const [left, right] = [a.dataSync<'float32'>(), b.dataSync<'float32'>()];
  return left.reduce((sum, value, i) => sum + value * (right[i] as number), 0);
}
