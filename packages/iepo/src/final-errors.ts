import type { CachePredictor } from '@harmonica/core';
import { deepest } from './best-trial.js';
import {
  anyRun,
  type BatchTensor,
  type Forks,
  type LambdaOptions,
  predictedBy,
  withForks,
} from './forks.js';
import { logImageErrors } from './image-error.js';
import type { StepsAfter } from './part-steps.js';

/** A batch, and what its steps may be predicted with. */
export interface FinalErrorsOptions extends Omit<LambdaOptions, 'scores'> {
  /** Predictors to choose from at each step, simplest first. Default: that of the runs alone. */
  readonly candidates?: readonly CachePredictor[];
}

/** Ways to finish a batch, and what they do to its images. */
export interface FinalErrors {
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
