import { type PredictorChoice, type PredictorName, restoreRng } from '@harmonica/core';
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
import { predictorByName, routerScores } from '@harmonica/router';
import { onFreshBatch, routedParts } from './batch.js';
import { startingBeta } from './beta.js';
import type { TrainingBatch } from './draw-batch.js';
import { costModelIn, hardScores, thresholdInForce } from './threshold.js';
import {
  isRelative,
  type ProxyName,
  type RelativeProxy,
  type TrainingConfig,
} from './training-config.js';
import type { TrainingState, TrainRouterOptions } from './training-run.js';

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
type PredictorsForOptions = Omit<StepWeightsOptions, 'soft' | 'candidates'> &
  Required<Pick<StepWeightsOptions, 'candidates'>>;

/** A predictor for each step of a hard schedule, found in the way of the proxy, without lambda. */
function predictorsFor(options: PredictorsForOptions): Promise<readonly number[]> {
  const { proxy, hard, ...search } = options;
  const choose = proxy === 'single-step' ? choosePredictorsAlone : choosePredictors;
  return choose({ ...search, scores: hard });
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

/** Whether lambda is due: at the start, and every `refreshEvery` updates. */
export function isRefreshDue(
  { refreshEvery }: TrainingConfig,
  { iteration, refreshedAt }: TrainingState,
): boolean {
  return refreshedAt < 0 || iteration - refreshedAt >= refreshEvery;
}

/** Options of {@link refreshWeights}. */
interface RefreshWeightsOptions {
  readonly options: TrainRouterOptions;
  readonly state: TrainingState;
  /** Not disposed. */
  readonly batch: TrainingBatch;
}

/** Renews lambda, the loss weights and the predictors on a batch. */
export async function refreshWeights(input: RefreshWeightsOptions): Promise<TrainingState> {
  const { options, state, batch } = input;
  const { config, signal } = options;
  const first = state.refreshedAt < 0;
  const cost = costModelIn(options, state);
  const fresh = await stepWeights({
    ...predictorSearch(config, state),
    parts: routedParts(options, state, batch),
    proxy: config.proxy,
    soft: routerScores(state),
    hard: hardScores(state.logits, thresholdInForce(config, state.logits, cost)),
    ...(signal && { signal }),
  });
  const share = first ? 1 : config.refreshShare;
  const blend = (old: readonly number[], next: readonly number[]) =>
    next.map((value, i) => share * value + (1 - share) * (old[i] as number));
  const { targetSpeedup: target } = config;
  const findsBeta = first && target !== undefined && isRelative(config.proxy);
  return {
    ...state,
    ...(findsBeta && { beta: startingBeta({ lambda: fresh.lambda, cost, target }) }),
    refreshedAt: state.iteration,
    predictor: fresh.chosen ? predictorNames(fresh.chosen) : state.predictor,
    lambda: blend(state.lambda, fresh.lambda),
    weights: blend(state.weights, fresh.weights),
  };
}

/** How many batches decide on the predictors that a router ships with. */
const FINAL_BATCHES = 4;

/** Chooses predictors once more, for the schedule that training ended with, on a batch of its own. */
export async function withFinalPredictors(
  options: TrainRouterOptions,
  state: TrainingState,
): Promise<TrainingState> {
  const { config, signal } = options;
  const search = predictorSearch(config, state);
  if (!search) return state;
  const chosen = await onFreshBatch(options, state, {
    rng: restoreRng(state.rng),
    batches: FINAL_BATCHES,
    use: ({ parts, scores: hard }) =>
      predictorsFor({ ...search, proxy: config.proxy, parts, hard, ...(signal && { signal }) }),
  });
  return { ...state, predictor: predictorNames(chosen) };
}

/** What `per-step` chooses from, simplest first. */
const CANDIDATES: readonly PredictorName[] = [
  'hold',
  'half-linear',
  'linear',
  'half-quadratic',
  'quadratic',
];

/** What there is to choose from with `per-step`, and what is in force. */
export function predictorSearch(config: TrainingConfig, { predictor, logits }: TrainingState) {
  if (config.predictor !== 'per-step') return undefined;
  const names = typeof predictor === 'string' ? logits.map(() => predictor) : predictor;
  const chosen = names.map((name) => CANDIDATES.indexOf(name));
  return { candidates: CANDIDATES.map(predictorByName), chosen };
}

/** The names of candidates. */
export function predictorNames(chosen: readonly number[]): PredictorChoice {
  return chosen.map((index) => CANDIDATES[index] as PredictorName);
}
