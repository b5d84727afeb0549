import {
  IncompatibleError,
  InvalidArgumentError,
  type Rng,
  restoreRng,
  type SamplerPlan,
  throwIfAborted,
} from '@harmonica/core';
import { disposeRunState, type RoutedRun } from '@harmonica/iepo';
import { predictorByName } from '@harmonica/router';
import { drawPair } from './draw-pair.js';
import { forwardProcess } from './forward-process.js';
import { fullStep } from './full-step.js';
import { meanStep, type PartErrors } from './mean-step.js';
import { isRefreshDue, refreshWeights } from './refresh-weights.js';
import { appliedScores, endRound, startRound, updateStep } from './router-updates.js';
import { disposeParts, drawNoise, rngAfterRefresh } from './training-batch.js';
import type { LatentBatch, TrainRouterOptions } from './training-run.js';
import type { TrainingState } from './training-state.js';
import { trainingStep } from './training-step.js';

/**
 * As many pairs of steps as the plan has, each drawn at random (Learning-to-Cache, 2024): on noised images the first step
 * of a pair computes everything and fills the cache, and the second updates its row of logits. There is no guidance, and
 * what is cached stays as it is.
 */
export async function trainPairs(
  options: TrainRouterOptions,
  before: TrainingState,
): Promise<TrainingState> {
  const { config, plan, signal } = options;
  const { state, rng } = await refreshed(options, before);
  const pairs = plan.steps.length / 2;
  let round = startRound(state);
  for (let count = 0; count < pairs; count++) {
    const { step, parts } = drawPair(options, rng);
    try {
      const scores = appliedScores(options, round, step);
      const found: PartErrors[] = [];
      for (const part of parts) {
        throwIfAborted(signal, 'Training');
        const errors = await pairStep(options, { ...part, step }, scores);
        found.push({ ...errors, images: part.latent.shape[0] });
      }
      round = updateStep(options, round, { ...meanStep(found), step });
    } finally {
      disposeParts(parts);
    }
  }
  const images = (state.images ?? 0) + pairs * config.batchSize;
  return { ...endRound(options, round), images, rng: rng.state() };
}

/** Checks that the steps of a plan can be trained in pairs. */
export function assertPairs(plan: SamplerPlan): void {
  const { length } = plan.steps;
  if (length % 2 !== 0) {
    throw new InvalidArgumentError({
      argument: 'plan.steps',
      value: length,
      expected: 'an even number of steps, because Learning-to-Cache works on pairs of steps',
    });
  }
  forwardProcess(plan, 0);
  assertNoiseless(plan);
}

function assertNoiseless({ sampler, steps, settings }: SamplerPlan): void {
  if (steps.every(({ noise }) => noise.kind === 'fixed' && noise.std === 0)) return;
  throw new IncompatibleError({
    what: `What the ${sampler} plan adds`,
    actual: `noise (eta ${settings.eta})`,
    expected: 'none',
    fix: 'Create the plan with eta 0 for Learning-to-Cache.',
  });
}

/** Renews lambda, if it is due, by sampling from noise, as for trajectories. */
async function refreshed(
  options: TrainRouterOptions,
  before: TrainingState,
): Promise<{ readonly state: TrainingState; readonly rng: Rng }> {
  const rng = restoreRng(before.rng);
  if (!isRefreshDue(options.config, before)) return { state: before, rng };
  const batch = drawNoise(options, rng);
  try {
    const state = await refreshWeights({ options, state: before, batch });
    return { state, rng: rngAfterRefresh(options.config, rng) };
  } finally {
    disposeParts(batch);
  }
}

/** Noised images before a pair of steps. */
export interface PairStart extends LatentBatch {
  /** The second step of the pair. */
  readonly step: number;
}

/** Error and score gradients of the second step of a pair. */
export async function pairStep(
  { executor, plan }: Pick<TrainRouterOptions, 'executor' | 'plan'>,
  { step, latent, condition }: PairStart,
  scores: readonly number[],
) {
  // At a threshold of 1 no blended output is cached.
  const run: RoutedRun = {
    executor,
    plan,
    condition,
    predictor: predictorByName('hold'),
    threshold: 1,
  };
  const state = await fullStep(run, { latent, index: step - 1 });
  try {
    const result = await trainingStep({ run, state, index: step, scores });
    disposeRunState(run, result.state);
    return result;
  } finally {
    disposeRunState(run, state);
  }
}
