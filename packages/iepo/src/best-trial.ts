import type { CachePredictor } from '@harmonica/core';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { ForkStep, Forks } from './forks.js';
import type { RunState } from './routed-run.js';

/** A step taken with one of several predictors. */
export interface Trial {
  /** Index of the predictor. */
  readonly candidate: number;
  /** Guided model output of the step. The caller frees it. */
  readonly output: Tensor4D;
  readonly imageError: number;
}

export interface BestTrialOptions {
  readonly forks: Forks;
  /** Simplest first. */
  readonly candidates: readonly CachePredictor[];
  readonly step: Omit<ForkStep, 'predictor' | 'kept'>;
  /** Error of the image that the state after the step leads to; frees the state. */
  readonly imageErrorOf: (state: RunState) => Promise<number>;
}

/** Takes a step with every candidate; the least image error wins, and the simplest among equals. */
export async function bestTrial(options: BestTrialOptions): Promise<Trial> {
  const { forks, candidates, step, imageErrorOf } = options;
  const depth = deepest(candidates);
  const trials: Trial[] = [];
  for (const [candidate, predictor] of candidates.entries()) {
    const { state, output } = await forks.fork({ ...step, predictor: { ...predictor, depth } });
    trials.push({ candidate, output, imageError: await imageErrorOf(state) });
  }
  const best = trials.reduce((a, b) => (b.imageError < a.imageError ? b : a));
  forks.free(...trials.filter((trial) => trial !== best).map(({ output }) => output));
  return best;
}

/** How far back a cache must reach for any of the candidates. */
export function deepest(candidates: readonly CachePredictor[]): number {
  return Math.max(...candidates.map(({ depth }) => depth));
}
