import type { CachePredictor } from '@harmonica/core';
import type { Attempt, BatchTensor, Forks } from './forks.js';

/** A step taken with one of several predictors. */
export interface Trial {
  /** Index of the predictor. */
  readonly candidate: number;
  /** Guided model output of the step. The caller frees it. */
  readonly outputs: BatchTensor;
  readonly imageError: number;
}

/** Options of {@link bestTrial}. */
export interface BestTrialOptions {
  readonly forks: Forks;
  /** Simplest first. */
  readonly candidates: readonly CachePredictor[];
  /** Takes the step with a predictor, and all steps after it. */
  readonly attempt: (predictor: CachePredictor) => Promise<Attempt>;
  /** Error of the images that final latents stand for. */
  readonly imageErrorOf: (finals: BatchTensor) => Promise<number>;
}

/** Takes a step with every candidate; the least image error wins, and the simplest among equals. */
export async function bestTrial(options: BestTrialOptions): Promise<Trial> {
  const { forks, candidates, attempt, imageErrorOf } = options;
  const depth = deepest(candidates);
  const trials: Trial[] = [];
  for (const [candidate, predictor] of candidates.entries()) {
    const { outputs, finals } = await attempt({ ...predictor, depth });
    trials.push({ candidate, outputs, imageError: await imageErrorOf(finals) });
    forks.free(finals);
  }
  const best = trials.reduce((a, b) => (b.imageError < a.imageError ? b : a));
  forks.free(...trials.filter((trial) => trial !== best).map(({ outputs }) => outputs));
  return best;
}

/** How far back a cache must reach for any of the candidates. */
export function deepest(candidates: readonly CachePredictor[]): number {
  return Math.max(...candidates.map(({ depth }) => depth));
}
