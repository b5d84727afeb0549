import type { CachePredictor } from '@harmonica/core';
import type { RoutedRun } from '@harmonica/router';
import {
  mean,
  slice,
  squaredDifference,
  type Tensor,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import {
  anyRun,
  type BatchTensor,
  deepest,
  type Forks,
  type LambdaOptions,
  predictedBy,
  type StepsAfter,
  withForks,
} from './forks.js';

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
async function logImageErrors(run: Guided, a: BatchTensor, b: BatchTensor): Promise<number[]> {
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

/** A batch, and what its steps may be predicted with. */
export interface FinalErrorsOptions extends Omit<LambdaOptions, 'scores'> {
  /** Predictors to choose from at each step, simplest first. Default: that of the runs alone. */
  readonly candidates?: readonly CachePredictor[];
}

/** Ways to finish a batch, and what they do to its images. */
interface FinalErrors {
  readonly forks: Forks;
  /** All as deep as the deepest, so that the cache holds what any of them reads. */
  readonly candidates: readonly CachePredictor[];
  /** Of each image log |x0 - x0*|^2, x0* uncached. */
  readonly finalErrors: (finals: BatchTensor) => Promise<readonly number[]>;
}

/** Gives `body` the forks of a batch and the errors of their images against the uncached ones. */
export async function withFinalErrors<T>(
  options: FinalErrorsOptions,
  body: (errors: FinalErrors) => Promise<T>,
): Promise<T> {
  const common = anyRun(options.parts);
  const { candidates: given = [common.predictor] } = options;
  const depth = deepest(given);
  const candidates = given.map((candidate) => ({ ...candidate, depth }));
  const [first] = candidates as [CachePredictor];
  const parts = predictedBy(options.parts, () => first);
  return withForks({ ...options, parts }, async (forks) => {
    const start = await forks.first();
    const uncached = await forks.finish(start, 1, forks.uncached);
    forks.free(start);
    const finalErrors = (finals: BatchTensor) => logImageErrors(common, finals, uncached);
    return body({ forks, candidates, finalErrors });
  });
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A hard schedule, and a predictor for each of its steps. */
export interface SteppedSchedule {
  /** `[steps][branches]`, 0 or 1; row 0 is not read: step 0 computes everything. */
  readonly scores: LambdaOptions['scores'];
  /** Index of the candidate of each step. */
  readonly chosen: readonly number[];
}

/** Steps as a schedule has them, whatever it is when they are taken. */
export function stepsOf(
  { scores, chosen }: SteppedSchedule,
  candidates: readonly CachePredictor[],
): StepsAfter {
  return (step) => ({
    scores: scores[step] as readonly number[],
    predictor: candidates[chosen[step] as number] as CachePredictor,
  });
}
