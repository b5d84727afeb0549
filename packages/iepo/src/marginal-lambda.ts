import type { CachePredictor } from '@harmonica/core';
import {
  type BatchTensor,
  bestTrial,
  everyBranch,
  type ForkStep,
  type Forks,
  type LambdaOptions,
  type StepsAfter,
  type Trial,
} from './forks.js';
import {
  type FinalErrorsOptions,
  meanOf,
  meanSquaredError,
  stepsOf,
  withFinalErrors,
} from './image-error.js';

export interface MarginalLambdaOptions extends FinalErrorsOptions, Pick<LambdaOptions, 'scores'> {
  /** Index of the candidate in force at each step. Default: the first everywhere. */
  readonly chosen?: readonly number[];
}

/** What {@link marginalLambda} finds, one value per step; 0 for step 0. */
export interface MarginalLambda {
  /**
   * By how much predicting step t raises the error of the final image, all other steps as in force: the mean over images
   * of the logarithm of the ratio of errors (10 / ln 10 times it is a loss of PSNR in dB).
   */
  readonly lambda: readonly number[];
  /** Mean squared error of the guided model output at step t when all its branches are predicted. */
  readonly stepError: readonly number[];
  /** Index of the candidate with which predicting step t costs least, the simplest among equals. */
  readonly chosen: readonly number[];
}

/**
 * The image error that predicting a whole step causes, with the hard schedule in force everywhere else: with
 * `e = |x0 - x0*|^2` per image, x0* uncached,
 *
 *     lambda(t) = mean over images of log(e(t predicted) / e(t computed)),   clipped at 0
 *
 * Unlike the paper's proxy it is as meaningful for steps that are computed now as for those that are predicted, and it
 * sees what consecutive predictions do to each other. The logarithm keeps the few images that flip to another layout,
 * whose squared errors dwarf all others, from deciding alone. `lambda / stepError` turns an error of the model output
 * into one of the image.
 *
 * With several `candidates`, each step is predicted by every one of them, and the one that harms the image least stays
 * in force for the steps that follow. Where many steps are predicted this beats a choice for each step alone
 * (`singleStepLambda`): repeating an output lags behind the truth at every step, and those errors add up, while those of
 * forecasts partly cancel.
 *
 * @throws {@link AbortedError} between steps, if `signal` is aborted
 */
export function marginalLambda(options: MarginalLambdaOptions): Promise<MarginalLambda> {
  return withTrials(options, async ({ forks, inForce, tryPredictors, ...trials }) => {
    const ones = everyBranch(options.parts, 1);
    const zeros = everyBranch(options.parts, 0);
    const lambda = [0];
    const stepError = [0];
    let state = await forks.first();
    for (let t = 1; t < options.scores.length; t++) {
      const step = { from: state, index: t };
      const computed = await forks.attempt({ ...step, scores: ones }, inForce);
      const predicted = await tryPredictors({ ...step, scores: zeros });
      stepError.push(await meanSquaredError(predicted.outputs, computed.outputs));
      const better = await trials.finalError(computed.finals);
      lambda.push(Math.max(0, predicted.imageError - better));
      forks.free(computed.outputs, computed.finals, predicted.outputs);
      state = await forks.move({ ...step, ...inForce(t) });
    }
    return { lambda, stepError, chosen: trials.chosen };
  });
}

export interface ChoosePredictorsOptions extends MarginalLambdaOptions {
  readonly candidates: readonly CachePredictor[];
}

/**
 * Chooses for each step of a hard schedule that predicts something the predictor that harms the final image least, all
 * other steps as in force: what {@link marginalLambda} chooses on the way, without the rest.
 *
 * @returns one index into `candidates` per step; steps that compute everything keep theirs
 * @throws {@link AbortedError} between steps, if `signal` is aborted
 */
export function choosePredictors(options: ChoosePredictorsOptions): Promise<readonly number[]> {
  return withTrials(options, async ({ forks, inForce, tryPredictors, chosen }) => {
    let state = await forks.first();
    for (let t = 1; t < options.scores.length; t++) {
      const step = { from: state, index: t };
      const { scores } = inForce(t);
      if (scores.some((score) => score < 1)) {
        const { outputs } = await tryPredictors({ ...step, scores });
        forks.free(outputs);
      }
      state = await forks.move({ ...step, ...inForce(t) });
    }
    return chosen;
  });
}

interface Trials {
  readonly forks: Forks;
  readonly inForce: StepsAfter;
  /** In force; written by `tryPredictors`. */
  readonly chosen: number[];
  /** Takes a step with every candidate and puts the best in force. The caller frees its model outputs. */
  readonly tryPredictors: (step: ForkStep) => Promise<Trial>;
  /** Mean logarithm of the image errors. */
  readonly finalError: (finals: BatchTensor) => Promise<number>;
}

async function withTrials<T>(
  options: MarginalLambdaOptions,
  body: (trials: Trials) => Promise<T>,
): Promise<T> {
  const { scores } = options;
  const chosen = scores.map((_, step) => options.chosen?.[step] ?? 0);
  return withFinalErrors(options, async ({ forks, candidates, finalErrors }) => {
    const finalError = async (finals: BatchTensor) => meanOf(await finalErrors(finals));
    const inForce = stepsOf({ scores, chosen }, candidates);
    const tryPredictors: Trials['tryPredictors'] = async (step) => {
      const attempt = (candidate: CachePredictor) =>
        forks.attempt({ ...step, predictor: candidate }, inForce);
      const best = await bestTrial({ forks, candidates, attempt, imageErrorOf: finalError });
      chosen[step.index] = best.candidate;
      return best;
    };
    return body({ forks, inForce, chosen, tryPredictors, finalError });
  });
}
