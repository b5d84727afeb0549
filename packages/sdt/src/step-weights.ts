import {
  choosePredictors,
  choosePredictorsAlone,
  cumulativeLambda,
  type LambdaOptions,
  leaveOneOutLambda,
  type MarginalLambdaOptions,
  marginalLambda,
  singleStepLambda,
} from '@harmonica/iepo';
import type { ProxyName } from './training-config.js';

/** lambda(t), the loss weights that follow from it, and predictors: one of each per step. */
export interface StepWeights {
  readonly lambda: readonly number[];
  readonly weights: readonly number[];
  /** Index of the candidate to use; absent if there was nothing to choose from. */
  readonly chosen?: readonly number[];
}

export interface StepWeightsOptions
  extends Pick<MarginalLambdaOptions, 'parts' | 'signal' | 'candidates' | 'chosen'> {
  readonly proxy: ProxyName;
  /** Soft scores in force, as the trainer applies them. */
  readonly soft: LambdaOptions['scores'];
  /** The same as hard decisions, 0 and 1. */
  readonly hard: LambdaOptions['scores'];
}

/**
 * The weight of each step in the loss, by the chosen proxy:
 *
 * - `leave-one-out`, `cumulative`: lambda(t) itself, as in the paper and its code;
 * - `marginal`, `single-step`: lambda(t) / error(t), which turns an error of the model output at step t into one of the
 *   image, over the mean of lambda, so that beta does not depend on the model;
 * - `uniform`: 1 (the objective without the proxy).
 *
 * With `candidates` it chooses a predictor for each step as well; the soft proxies go on to measure with the predictor of the runs.
 */
export async function stepWeights(options: StepWeightsOptions): Promise<StepWeights> {
  const { proxy, soft, hard, ...search } = options;
  if (isRelative(proxy)) {
    const find = proxy === 'marginal' ? marginalLambda : singleStepLambda;
    const { lambda, stepError, chosen } = await find({ ...search, scores: hard });
    const weights = perUnitError(lambda, stepError);
    return { lambda, weights, ...(search.candidates && { chosen }) };
  }
  const { candidates, chosen: _, ...shared } = search;
  const found = await softWeights({ ...shared, proxy, scores: soft });
  if (!candidates) return found;
  return { ...found, chosen: await predictorsFor({ ...search, candidates, proxy, hard }) };
}

/** What {@link predictorsFor} needs. */
export type PredictorsForOptions = Omit<StepWeightsOptions, 'soft' | 'candidates'> &
  Required<Pick<StepWeightsOptions, 'candidates'>>;

/** A predictor for each step of a hard schedule, found in the way of the proxy, without lambda. */
export function predictorsFor(options: PredictorsForOptions): Promise<readonly number[]> {
  const { proxy, hard, ...search } = options;
  const choose = proxy === 'single-step' ? choosePredictorsAlone : choosePredictors;
  return choose({ ...search, scores: hard });
}

/** The proxies whose weights are relative to the mean of lambda, so that a beta to start from follows from lambda. */
export type RelativeProxy = 'marginal' | 'single-step';

export function isRelative(proxy: ProxyName): proxy is RelativeProxy {
  return proxy === 'marginal' || proxy === 'single-step';
}

type SoftProxy = Exclude<ProxyName, RelativeProxy>;

async function softWeights(options: LambdaOptions & { proxy: SoftProxy }): Promise<StepWeights> {
  switch (options.proxy) {
    case 'uniform': {
      const ones = options.scores.map((_, step) => (step === 0 ? 0 : 1));
      return { lambda: ones, weights: ones };
    }
    case 'leave-one-out': {
      const lambda = await leaveOneOutLambda(options);
      return { lambda, weights: lambda };
    }
    case 'cumulative': {
      const lambda = await cumulativeLambda(options);
      return { lambda, weights: lambda };
    }
  }
}

function perUnitError(lambda: readonly number[], stepError: readonly number[]): number[] {
  const mean = lambda.reduce((sum, value) => sum + value, 0) / Math.max(1, lambda.length - 1);
  return lambda.map((value, step) => {
    const error = stepError[step] as number;
    return error > 0 && mean > 0 ? value / error / mean : 0;
  });
}
