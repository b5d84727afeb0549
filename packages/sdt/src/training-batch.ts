import { createRng, type Rng } from '@harmonica/core';
import type { RoutedRun, RunPart } from '@harmonica/iepo';
import { predictorByName } from '@harmonica/router';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import { partSizeOf } from './batch-parts.js';
import { drawBatch, drawLabels, type TrainingBatch } from './draw-batch.js';
import type { TrainingConfig } from './training-config.js';
import type { LatentBatch, TrainRouterOptions } from './training-run.js';
import type { TrainingState } from './training-state.js';

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
