import type { Rng } from '@harmonica/core';
import type { LambdaOptions } from '@harmonica/iepo';
import { hardScores, thresholdInForce } from './router-updates.js';
import { disposeParts, drawNoise, routedParts } from './training-batch.js';
import { costModelIn } from './training-costs.js';
import type { TrainRouterOptions } from './training-run.js';
import type { TrainingState } from './training-state.js';

/** What {@link onFreshBatch} draws, and what it is for. */
export interface FreshBatch<T> {
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
  const threshold = thresholdInForce(config, state.logits, costModelIn(options, state));
  const scores = hardScores(state.logits, threshold);
  try {
    return await use({ parts: routedParts(options, state, batch), scores });
  } finally {
    disposeParts(batch);
  }
}
