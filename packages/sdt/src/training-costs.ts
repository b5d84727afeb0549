import { restoreRng } from '@harmonica/core';
import {
  branchCostWeights,
  type CostModel,
  macsCostModel,
  measureCostModel,
  predictorByName,
} from '@harmonica/router';
import type { BatchPart } from './draw-batch.js';
import { disposeParts, drawNoise } from './training-batch.js';
import type { TrainRouterOptions } from './training-run.js';
import type { TrainingState } from './training-state.js';

/** What speed-ups are computed from: MACs, or the times that were measured before the first update. */
export function costModelIn(
  { executor }: Pick<TrainRouterOptions, 'executor'>,
  { costs }: Pick<TrainingState, 'costs'>,
): CostModel {
  return costs ?? macsCostModel(executor.spec);
}

/** What a branch weighs in the penalty, with mean 1. */
export function penaltyCosts(
  options: Pick<TrainRouterOptions, 'executor' | 'config'>,
  state: Pick<TrainingState, 'costs'>,
): readonly number[] {
  const { executor, config } = options;
  if (config.costs === 'uniform') return executor.spec.branches.map(() => 1);
  return branchCostWeights(costModelIn(options, state));
}

/**
 * What a run is to start with, if its config asks for measured costs: they are measured once, on the first part of a
 * batch as it will be trained on, and stay with the state, so that a resumed run goes on with the same ones.
 */
export async function measuredCosts(
  options: TrainRouterOptions,
  { rng, predictor }: Pick<TrainingState, 'rng' | 'predictor'>,
): Promise<CostModel | undefined> {
  const { executor, plan, config, signal } = options;
  if (config.costs !== 'ms') return undefined;
  const batch = drawNoise(options, restoreRng(rng));
  const { latent, condition } = batch[0] as BatchPart;
  const time = (plan.steps[0] as (typeof plan.steps)[number]).timestep;
  const predictorDepth = predictorByName(predictor).depth;
  const input = { latent, time, condition };
  return measureCostModel({
    executor,
    input,
    predictorDepth,
    ...(signal && { signal }),
  }).finally(() => disposeParts(batch));
}
