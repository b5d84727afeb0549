import { type CachePredictor, type PredictorChoice, restoreRng } from '@harmonica/core';
import { proxyByName, proxyPredictors, stepWeights } from '@harmonica/iepo';
import { PER_STEP_CANDIDATES } from '@harmonica/router';
import { onFreshBatch, routedParts } from './batch.js';
import { startingBeta } from './beta.js';
import type { TrainingBatch } from './draw-batch.js';
import { currentSchedule } from './threshold.js';
import type { TrainingConfig } from './training-config.js';
import type { TrainingState, TrainRouterOptions } from './training-run.js';

/** Whether lambda is due: at the start, and every `refreshEvery` updates. */
export function isRefreshDue(
  { refreshEvery }: TrainingConfig,
  { iteration, refreshedAt }: TrainingState,
): boolean {
  return refreshedAt < 0 || iteration - refreshedAt >= refreshEvery;
}

/** Renews lambda, the loss weights and the predictors on a batch, which is not disposed. */
export async function refreshWeights(
  options: TrainRouterOptions,
  state: TrainingState,
  batch: TrainingBatch,
): Promise<TrainingState> {
  const { config, signal } = options;
  const first = state.refreshedAt < 0;
  const { cost, scores, hardScores } = currentSchedule(options, state);
  const fresh = await stepWeights({
    ...predictorSearch(config, state),
    parts: routedParts(options, state, batch),
    proxy: config.proxy,
    soft: scores,
    hard: hardScores,
    ...(signal && { signal }),
  });
  const share = first ? 1 : config.refreshShare;
  const blend = (old: readonly number[], next: readonly number[]) =>
    next.map((value, i) => share * value + (1 - share) * (old[i] as number));
  const { targetSpeedup: target } = config;
  const findsBeta = first && target !== undefined && proxyByName(config.proxy).isRelative;
  return {
    ...state,
    ...(findsBeta && { beta: startingBeta({ lambda: fresh.lambda, cost, target }) }),
    refreshedAt: state.iteration,
    predictor: fresh.chosen ? candidateNames(fresh.chosen) : state.predictor,
    lambda: blend(state.lambda, fresh.lambda),
    lossWeights: blend(state.lossWeights, fresh.lossWeights),
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
    use: (run) =>
      proxyPredictors({ ...search, ...run, proxy: config.proxy, ...(signal && { signal }) }),
  });
  return { ...state, predictor: candidateNames(chosen) };
}

/** What there is to choose from with `per-step`, and what is in force. */
export function predictorSearch(config: TrainingConfig, { predictor, logits }: TrainingState) {
  if (config.predictor !== 'per-step') return undefined;
  const names = typeof predictor === 'string' ? logits.map(() => predictor) : predictor;
  const chosen = names.map((name) => PER_STEP_CANDIDATES.findIndex((each) => each.name === name));
  return { candidates: PER_STEP_CANDIDATES, chosen };
}

/** The names of candidates. */
export function candidateNames(chosen: readonly number[]): PredictorChoice {
  return chosen.map((index) => (PER_STEP_CANDIDATES[index] as CachePredictor).name);
}
