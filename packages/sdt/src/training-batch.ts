import { createRng, type Rng } from '@harmonica/core';
import type { RoutedRun } from '@harmonica/iepo';
import { predictorByName } from '@harmonica/router';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import { drawBatch, drawLabels, type TrainingBatch } from './draw-batch.js';
import type { TrainingConfig } from './training-config.js';
import type { TrainRouterOptions } from './training-run.js';
import type { TrainingState } from './training-state.js';

/** Noise and conditions to sample from, as a run of training asks for them. Free it with {@link disposeBatch}. */
export function drawNoise(
  options: TrainRouterOptions,
  rng: Rng,
  size = options.config.batchSize,
): TrainingBatch {
  const { executor, plan, guidance } = options;
  const { spec } = executor;
  const drawCondition = options.drawCondition ?? drawLabels(spec);
  return drawBatch({ rng, size, spec, plan, drawCondition, ...(guidance && { guidance }) });
}

/** Sampling from a batch with the predictor in use. */
export function routedRun(
  { executor, plan, guidance, config }: TrainRouterOptions,
  { predictor }: Pick<TrainingState, 'predictor'>,
  { condition, noise }: TrainingBatch,
): RoutedRun {
  const { threshold } = config;
  const named = predictorByName(predictor);
  const shared = { executor, plan, predictor: named, condition, noise, threshold };
  return guidance ? { ...shared, guidance } : shared;
}

/** Frees the tensors of a batch. */
export function disposeBatch({
  latent,
  condition,
}: Pick<TrainingBatch, 'latent' | 'condition'>): void {
  dispose([latent, ...Object.values(condition)] as Tensor[]);
}

/** What is drawn from after a refresh of lambda: repeated batches start again from the seed, as in the official code. */
export function rngAfterRefresh({ batches, seed }: TrainingConfig, rng: Rng): Rng {
  return batches === 'repeated' ? createRng({ seed }) : rng;
}
