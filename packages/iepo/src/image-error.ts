import {
  mean,
  slice,
  squaredDifference,
  type Tensor,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import type { BatchTensor } from './forks.js';
import type { RoutedRun } from './routed-run.js';

/** Image errors below this (50 dB for a latent of unit variance) count as none. */
const ERROR_FLOOR = 1e-5;

/** Between the geometric mean, which the rare images that turn into others hardly move, and theirs alone. */
const EXPONENT = 0.25;

/** Whether latents have an unconditional half. */
type Guided = Pick<RoutedRun, 'guidance'>;

/** Mean squared difference of all elements. */
export function meanSquaredError(a: BatchTensor, b: BatchTensor): Promise<number> {
  return meanOverParts(a, b, (x) => x);
}

/** Mean squared difference over the images: with guidance, the conditional half. */
export function imageError(run: Guided, a: BatchTensor, b: BatchTensor): Promise<number> {
  return meanOverParts(a, b, (x) => images(run, x));
}

/** For each image the logarithm of its mean squared difference, with a floor under it. */
export async function logImageErrors(
  run: Guided,
  a: BatchTensor,
  b: BatchTensor,
): Promise<number[]> {
  const errors = await errorsOfImages(run, a, b);
  return errors.map((error) => Math.log(error + ERROR_FLOOR));
}

/**
 * The error of a typical image: the power mean, with exponent 1/4, of the mean squared difference of each. A few images
 * take another course at the slightest change, and an arithmetic mean would tell of nothing else.
 */
export async function typicalImageError(
  run: Guided,
  a: BatchTensor,
  b: BatchTensor,
): Promise<number> {
  const errors = await errorsOfImages(run, a, b);
  const powers = errors.reduce((sum, error) => sum + error ** EXPONENT, 0) / errors.length;
  return powers ** (1 / EXPONENT);
}

async function meanOverParts(
  a: BatchTensor,
  b: BatchTensor,
  compared: (x: Tensor4D) => Tensor4D,
): Promise<number> {
  const rows = a.reduce((sum, { shape }) => sum + shape[0], 0);
  let total = 0;
  for (const [x, y] of pairs(a, b)) {
    const [error] = await valuesOf(() => mean(squaredDifference(compared(x), compared(y))));
    total += (x.shape[0] / rows) * (error as number);
  }
  return total;
}

async function errorsOfImages(run: Guided, a: BatchTensor, b: BatchTensor): Promise<number[]> {
  const errors: number[] = [];
  for (const [x, y] of pairs(a, b)) {
    const found = () => mean(squaredDifference(images(run, x), images(run, y)), [1, 2, 3]);
    errors.push(...(await valuesOf(found)));
  }
  return errors;
}

function pairs(a: BatchTensor, b: BatchTensor): (readonly [Tensor4D, Tensor4D])[] {
  return a.map((x, i) => [x, b[i] as Tensor4D] as const);
}

function images(run: Guided, x: Tensor4D): Tensor4D {
  const [doubled, ...size] = x.shape;
  return slice(x, [0, 0, 0, 0], [run.guidance ? doubled / 2 : doubled, ...size]);
}

async function valuesOf(compute: () => Tensor): Promise<number[]> {
  const result = tidy(compute);
  const values = await result.data();
  result.dispose();
  return Array.from(values);
}
