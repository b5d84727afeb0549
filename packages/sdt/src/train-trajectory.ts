import { restoreRng, throwIfAborted } from '@harmonica/core';
import { disposeRunState, type RoutedRun } from '@harmonica/iepo';
import { predictorByName } from '@harmonica/router';
import type { TrainingBatch } from './draw-batch.js';
import { fullStep } from './full-step.js';
import { isRefreshDue, refreshWeights } from './refresh-weights.js';
import { appliedScores, endRound, startRound, updateStep } from './router-updates.js';
import { disposeBatch, drawNoise, rngAfterRefresh, routedRun } from './training-batch.js';
import type { TrainRouterOptions } from './training-run.js';
import type { TrainingState } from './training-state.js';
import { trainingStep } from './training-step.js';

/** Samples one trajectory of the student from noise; each step after the first updates its row of logits. */
export async function trainTrajectory(
  options: TrainRouterOptions,
  before: TrainingState,
): Promise<TrainingState> {
  const rng = restoreRng(before.rng);
  const batch = drawNoise(options, rng);
  const run = routedRun(options, before, batch);
  try {
    const due = isRefreshDue(options.config, before);
    const state = due ? await refreshWeights({ options, state: before, run, batch }) : before;
    const chosen = { ...run, predictor: predictorByName(state.predictor) };
    const trained = await trainSteps({ options, state, run: chosen, batch });
    return { ...trained, rng: (due ? rngAfterRefresh(options.config, rng) : rng).state() };
  } finally {
    disposeBatch(batch);
  }
}

interface TrainStepsInput {
  readonly options: TrainRouterOptions;
  readonly state: TrainingState;
  readonly run: RoutedRun;
  readonly batch: TrainingBatch;
}

/** Step 0 fills the cache. */
async function trainSteps({ options, state, run, batch }: TrainStepsInput) {
  let round = startRound(state);
  let runState = await fullStep(run, { latent: batch.latent, index: 0 });
  try {
    for (let step = 1; step < state.logits.length; step++) {
      throwIfAborted(options.signal, 'Training');
      const scores = appliedScores(options, round, step);
      const result = await trainingStep({ run, state: runState, index: step, scores });
      disposeRunState(run, runState);
      runState = result.state;
      round = updateStep(options, round, { ...result, step });
    }
  } finally {
    disposeRunState(run, runState);
  }
  return endRound(options, round);
}
