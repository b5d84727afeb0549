import {
  mean,
  slice,
  squaredDifference,
  type Tensor,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import type { RoutedRun } from './routed-run.js';

/** Image errors below this (50 dB for a latent of unit variance) count as none. */
const ERROR_FLOOR = 1e-5;

/** Between the geometric mean, which the rare images that turn into others hardly move, and theirs alone. */
const EXPONENT = 0.25;

/** Mean squared difference of all elements. */
export async function meanSquaredError(a: Tensor4D, b: Tensor4D): Promise<number> {
  const [value] = await valuesOf(() => mean(squaredDifference(a, b)));
  return value as number;
}

/** Mean squared difference over the images: with guidance, the conditional half. */
export async function imageError(run: RoutedRun, a: Tensor4D, b: Tensor4D): Promise<number> {
  const [value] = await valuesOf(() => mean(squaredDifference(images(run, a), images(run, b))));
  return value as number;
}

/** For each image the logarithm of its mean squared difference, with a floor under it. */
export async function logImageErrors(run: RoutedRun, a: Tensor4D, b: Tensor4D): Promise<number[]> {
  const errors = await errorsOfImages(run, a, b);
  return errors.map((error) => Math.log(error + ERROR_FLOOR));
}

/**
 * The error of a typical image: the power mean, with exponent 1/4, of the mean squared difference of each. A few images
 * take another course at the slightest change, and an arithmetic mean would tell of nothing else.
 */
export async function typicalImageError(run: RoutedRun, a: Tensor4D, b: Tensor4D): Promise<number> {
  const errors = await errorsOfImages(run, a, b);
  const powers = errors.reduce((sum, error) => sum + error ** EXPONENT, 0) / errors.length;
  return powers ** (1 / EXPONENT);
}

function errorsOfImages(run: RoutedRun, a: Tensor4D, b: Tensor4D): Promise<number[]> {
  return valuesOf(() => mean(squaredDifference(images(run, a), images(run, b)), [1, 2, 3]));
}

function images(run: RoutedRun, x: Tensor4D): Tensor4D {
  const [doubled, ...size] = x.shape;
  return slice(x, [0, 0, 0, 0], [run.guidance ? doubled / 2 : doubled, ...size]);
}

async function valuesOf(compute: () => Tensor): Promise<number[]> {
  const result = tidy(compute);
  const values = await result.data();
  result.dispose();
  return Array.from(values);
}
