import { createRng, type Rng, restoreRng } from '@harmonica/core';
import type { LambdaOptions, RunPart } from '@harmonica/iepo';
import {
  type CostModel,
  measureCostModel,
  predictorByName,
  type RoutedRun,
} from '@harmonica/router';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import {
  type BatchPart,
  drawBatch,
  drawLabels,
  partSizeOf,
  type TrainingBatch,
} from './draw-batch.js';
import { currentSchedule } from './threshold.js';
import type { TrainingConfig } from './training-config.js';
import type { LatentBatch, TrainingState, TrainRouterOptions } from './training-run.js';

/**
 * Noise and conditions to sample from, as a run of training asks for them, in its parts. Free them with
 * {@link disposeParts}.
 */
export function drawNoise(
  options: TrainRouterOptions,
  rng: Rng,
  size = options.config.batchSize,
): TrainingBatch {
  const { executor, plan, guidance, config } = options;
  const { spec } = executor;
  const partSize = partSizeOf(config, guidance);
  const drawCondition = options.drawCondition ?? drawLabels(spec);
  const shared = { rng, size, partSize, spec, plan, drawCondition };
  return drawBatch(guidance ? { ...shared, guidance } : shared);
}

/** Sampling from each part of a batch with the predictor in use. */
export function routedParts(
  options: TrainRouterOptions,
  { predictor }: Pick<TrainingState, 'predictor'>,
  batch: TrainingBatch,
): RunPart[] {
  const { executor, plan, guidance, config } = options;
  const { threshold } = config;
  const named = predictorByName(predictor);
  const shared = { executor, plan, predictor: named, threshold, ...(guidance && { guidance }) };
  return batch.map(({ latent, condition, noise }) => {
    const run: RoutedRun = { ...shared, condition, noise };
    return { latent, run };
  });
}

/** Frees the tensors of parts of a batch. */
export function disposeParts(parts: readonly LatentBatch[]): void {
  for (const { latent, condition } of parts) {
    dispose([latent, ...Object.values(condition)] as Tensor[]);
  }
}

/** What is drawn from after a refresh of lambda: repeated batches start again from the seed, as in the official code. */
export function rngAfterRefresh({ batches, seed }: TrainingConfig, rng: Rng): Rng {
  return batches === 'repeated' ? createRng({ seed }) : rng;
}

/** What {@link onFreshBatch} draws, and what it is for. */
interface FreshBatch<T> {
  readonly rng: Rng;
  /** How many batches are drawn as one. */
  readonly batches: number;
  /** Gets the images to sample, and the schedule in force as decisions of 0 and 1. */
  readonly use: (batch: Pick<LambdaOptions, 'parts' | 'scores'>) => Promise<T>;
}

/** Has something measured with the schedule in force, on images of its own, which are freed afterwards. */
export async function onFreshBatch<T>(
  options: TrainRouterOptions,
  state: TrainingState,
  { rng, batches, use }: FreshBatch<T>,
): Promise<T> {
  const { config } = options;
  const batch = drawNoise(options, rng, batches * config.batchSize);
  const { hardScores: scores } = currentSchedule(options, state);
  try {
    return await use({ parts: routedParts(options, state, batch), scores });
  } finally {
    disposeParts(batch);
  }
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
