import { assertArgument } from '@harmonica/core';
import {
  type FinalErrorsOptions,
  meanOf,
  type SteppedSchedule,
  stepsOf,
  withFinalErrors,
} from './image-error.js';
import { marginalLambda } from './marginal-lambda.js';

/** A predicted step that is computed instead, and a computed step that is predicted instead. */
export interface Swap {
  readonly computed: number;
  readonly predicted: number;
}

/** Options of {@link swapSteps}. */
export interface SwapStepsOptions extends FinalErrorsOptions, SteppedSchedule {
  /** Swaps to try out in full. Default 8. */
  readonly tries?: number;
}

/** A better schedule at the same cost, or the same one with the predictors that suit it. */
export interface SwappedSteps {
  /** The swap that was made; absent if none that was tried is better. */
  readonly swap?: Swap;
  /** Index of the candidate of each step. */
  readonly chosen: readonly number[];
  /** Mean over images of log |x0 - x0*|^2, x0* uncached, before and after. */
  readonly before: number;
  readonly after: number;
}

const DEFAULT_TRIES = 8;

/**
 * One move of a local search among schedules of whole steps: lets a predicted and a computed step change places if that
 * brings the final images closer to the uncached ones. `marginalLambda` says what either change costs by itself; the pairs
 * that promise most by the difference are tried out in full, because neighbouring steps act on each other. The best is made if
 * its gain is more than the standard error of the gain over the images: the best of several differs from what it was by
 * chance alone. Gradients cannot see such moves: they change one score at a time.
 *
 * @throws {@link InvalidArgumentError} if the branches of a step are not all computed or all predicted
 * @throws {@link AbortedError} between steps, if `signal` is aborted
 */
export async function swapSteps(options: SwapStepsOptions): Promise<SwappedSteps> {
  const { scores, chosen: given, tries = DEFAULT_TRIES, ...batch } = options;
  const computed = scores.map(wholeStep);
  const { lambda, chosen } = await marginalLambda({ ...batch, scores, chosen: given });
  const swaps = promising(computed, lambda).slice(0, tries);
  const schedules = swaps.map((swap) => ({ scores: swapped(scores, swap), chosen }));
  const start = { scores, chosen: given };
  const errors = await scheduleErrors({
    ...batch,
    schedules: [start, { scores, chosen }, ...schedules],
  });
  const [old, suited, ...tried] = errors as [ImageErrors, ImageErrors, ...ImageErrors[]];
  const before = meanOf(old);
  const kept =
    meanOf(suited) < before ? { chosen, errors: suited } : { chosen: given, errors: old };
  const means = tried.map(meanOf);
  const best = means.indexOf(Math.min(...means));
  const found = tried[best];
  if (!found || !isBetter(found, kept.errors)) {
    return { chosen: kept.chosen, before, after: meanOf(kept.errors) };
  }
  return { swap: swaps[best] as Swap, chosen, before, after: meanOf(found) };
}

type ImageErrors = readonly number[];

/** Whether errors of the same images are less by more than the standard error of the difference. @internal */
export function isBetter(errors: ImageErrors, others: ImageErrors): boolean {
  const gains = errors.map((error, i) => (others[i] as number) - error);
  const gain = meanOf(gains);
  const squares = gains.reduce((sum, each) => sum + (each - gain) ** 2, 0);
  const count = gains.length;
  return gain > 0 && gain > Math.sqrt(squares / Math.max(1, count - 1) / count);
}

/** Options of {@link scheduleErrors}. */
export interface ScheduleErrorsOptions extends FinalErrorsOptions {
  readonly schedules: readonly SteppedSchedule[];
}

/**
 * What schedules do to the same images: log |x0 - x0*|^2, x0* uncached (10 / ln 10 times a difference is one of PSNR in dB).
 *
 * @returns one of each image for each of `schedules`
 * @throws {@link AbortedError} between steps, if `signal` is aborted
 */
export function scheduleErrors(
  options: ScheduleErrorsOptions,
): Promise<readonly (readonly number[])[]> {
  const { schedules, ...batch } = options;
  return withFinalErrors(batch, async ({ forks, candidates, finalErrors }) => {
    const first = await forks.first();
    const errors: ImageErrors[] = [];
    for (const schedule of schedules) {
      const finals = await forks.finish(first, 1, stepsOf(schedule, candidates));
      errors.push(await finalErrors(finals));
      forks.free(finals);
    }
    return errors;
  });
}

/** Whether a step is computed. */
function wholeStep(scores: readonly number[], step: number): boolean {
  if (step === 0 || scores.every((score) => score === 1)) return true;
  assertArgument(
    { [`scores[${step}]`]: scores },
    '1 for every branch or 0 for every branch',
    scores.every((score) => score === 0),
    'Train with one logit for a step.',
  );
  return false;
}

/** Swaps, the most promising first. */
function promising(computed: readonly boolean[], lambda: readonly number[]): readonly Swap[] {
  const steps = computed.map((isComputed, step) => ({ step, isComputed })).slice(1);
  const gain = ({ computed: c, predicted: p }: Swap) =>
    (lambda[c] as number) - (lambda[p] as number);
  return steps
    .filter(({ isComputed }) => !isComputed)
    .flatMap(({ step }) =>
      steps
        .filter(({ isComputed }) => isComputed)
        .map((other): Swap => ({ computed: step, predicted: other.step })),
    )
    .sort((a, b) => gain(b) - gain(a));
}

/** Rows in each other's place. */
export function swapped<T>(rows: readonly T[], { computed, predicted }: Swap): readonly T[] {
  return rows.map((row, step) => {
    if (step === computed) return rows[predicted] as T;
    return step === predicted ? (rows[computed] as T) : row;
  });
}
