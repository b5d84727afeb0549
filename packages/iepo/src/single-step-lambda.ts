import type { CachePredictor } from '@harmonica/core';
import {
  anyRun,
  type BatchTensor,
  bestTrial,
  deepest,
  everyBranch,
  type LambdaOptions,
  predictedBy,
  withForks,
} from './forks.js';
import { meanSquaredError, typicalImageError } from './image-error.js';
import type { ChoosePredictorsOptions } from './marginal-lambda.js';

export interface SingleStepLambdaOptions extends LambdaOptions {
  /** Predictors to choose from at each step, simplest first. Default: that of the runs alone. */
  readonly candidates?: readonly CachePredictor[];
}

/** What {@link singleStepLambda} finds, one value per step; 0 for step 0. */
export interface SingleStepLambda {
  /** Error of the final image if step t alone is predicted: a power mean over the images, in squared latent units. */
  readonly lambda: readonly number[];
  /** Mean squared error of the guided model output at step t that goes with it. */
  readonly stepError: readonly number[];
  /** Index of the candidate that harms the image least, the simplest among equals. */
  readonly chosen: readonly number[];
}

/**
 * The error of the final image when step t alone is predicted and every other step is computed:
 *
 *     lambda(t) = power mean over images of |x0(t predicted) - x0*|^2,   x0* uncached
 *
 * Cached are only outputs of steps that the hard schedule `scores` computes, so that the prediction reaches as far back
 * as it does in a run with that schedule. The paper's proxy leaves one step out of a run in which all others are cached;
 * there the errors of the others hide what a good step costs. Here nothing does: the values of all steps are comparable,
 * and since errors of different steps are nearly independent, they nearly add up.
 *
 * With several `candidates` each step is predicted by every one of them, and the best counts. Which predictor comes
 * closest to the model output of its own step says less: what counts is what the later steps make of its error.
 *
 * Costs about `steps^2 / 2` model calls for each candidate.
 *
 * @throws {@link AbortedError} between steps, if `signal` is aborted
 */
export async function singleStepLambda(
  options: SingleStepLambdaOptions,
): Promise<SingleStepLambda> {
  const zeros = () => everyBranch(options.parts, 0);
  const trials = await tryEveryStep(options, zeros);
  return {
    lambda: trials.map((trial) => trial?.imageError ?? 0),
    stepError: trials.map((trial) => trial?.stepError ?? 0),
    chosen: trials.map((trial) => trial?.candidate ?? 0),
  };
}

/**
 * For each step of a hard schedule that predicts something the predictor that harms the final image least, as
 * {@link singleStepLambda} measures it, with the branches that the schedule predicts there.
 *
 * @returns one index into `candidates` per step; 0 for steps that compute everything
 * @throws {@link AbortedError} between steps, if `signal` is aborted
 */
export async function choosePredictorsAlone(options: ChoosePredictorsOptions): Promise<number[]> {
  const trials = await tryEveryStep(options, (step) => {
    const row = options.scores[step] as readonly number[];
    return row.some((score) => score < 1) ? row : undefined;
  });
  return trials.map((trial) => trial?.candidate ?? 0);
}

interface StepErrors {
  readonly candidate: number;
  readonly imageError: number;
  readonly stepError: number;
}

/** The best candidate of each step, run with `scoresOf` in an otherwise uncached run; steps without scores are passed. */
function tryEveryStep(
  options: SingleStepLambdaOptions,
  scoresOf: (step: number) => readonly number[] | undefined,
): Promise<(StepErrors | undefined)[]> {
  const { scores } = options;
  const common = anyRun(options.parts);
  const { candidates = [common.predictor] } = options;
  // The cache must hold what any of them reads.
  const depth = deepest(candidates);
  const parts = predictedBy(options.parts, ({ predictor }) => ({ ...predictor, depth }));
  const ones = everyBranch(parts, 1);
  return withForks({ ...options, parts }, async (forks) => {
    const imageErrorOf = (finals: BatchTensor) => typicalImageError(common, finals, reference);
    let state = await forks.first();
    const reference = await forks.finish(state, 1, forks.uncached);
    const found: (StepErrors | undefined)[] = [undefined];
    for (let index = 1; index < scores.length; index++) {
      const step = { from: state, index };
      const tried = scoresOf(index);
      const best =
        tried &&
        (await bestTrial({
          forks,
          candidates,
          attempt: (predictor) =>
            forks.attempt({ ...step, scores: tried, predictor }, forks.uncached),
          imageErrorOf,
        }));
      const kept = (scores[index] as readonly number[]).map((score) => score === 1);
      const computed = await forks.moveWithOutputs({ ...step, scores: ones, kept });
      found.push(
        best && { ...best, stepError: await meanSquaredError(best.outputs, computed.outputs) },
      );
      forks.free(computed.outputs, best?.outputs ?? []);
      state = computed.state;
    }
    return found;
  });
}
