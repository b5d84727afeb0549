import { restoreRng, throwIfAborted } from '@harmonica/core';
import type { RunPart } from '@harmonica/iepo';
import { disposeRunState, fullStep, type RunState } from '@harmonica/router';
import { disposeParts, drawNoise, rngAfterRefresh, routedParts } from './batch.js';
import { isRefreshDue, refreshWeights } from './loss-weights.js';
import type { TrainingState, TrainRouterOptions } from './training-run.js';
import { meanStep, type PartErrors, trainingStep } from './training-step.js';
import { appliedScores, endRound, startRound, updateStep } from './update-router.js';

/** Samples one trajectory of the student from noise; each step after the first updates its row of logits. */
export async function trainTrajectory(
  options: TrainRouterOptions,
  before: TrainingState,
): Promise<TrainingState> {
  const rng = restoreRng(before.rng);
  const batch = drawNoise(options, rng);
  try {
    const due = isRefreshDue(options.config, before);
    const state = due ? await refreshWeights({ options, state: before, batch }) : before;
    const parts = routedParts(options, state, batch);
    const trained = await trainSteps({ options, state, parts });
    return { ...trained, rng: (due ? rngAfterRefresh(options.config, rng) : rng).state() };
  } finally {
    disposeParts(batch);
  }
}

interface TrainStepsInput {
  readonly options: TrainRouterOptions;
  readonly state: TrainingState;
  readonly parts: readonly RunPart[];
}

/** Step 0 fills the cache. Each step is taken by one part after the other, and then updates the router. */
async function trainSteps({ options, state, parts }: TrainStepsInput) {
  let round = startRound(state);
  const states: RunState[] = [];
  try {
    for (const { run, latent } of parts) states.push(await fullStep(run, { latent, index: 0 }));
    for (let index = 1; index < state.logits.length; index++) {
      const scores = appliedScores(options, round, index);
      const found: PartErrors[] = [];
      for (const [i, { run, latent }] of parts.entries()) {
        throwIfAborted(options.signal, 'Training');
        const before = states[i] as RunState;
        const { state: after, ...errors } = await trainingStep({
          run,
          state: before,
          index,
          scores,
        });
        disposeRunState(run, before);
        states[i] = after;
        found.push({ ...errors, images: latent.shape[0] });
      }
      round = updateStep(options, round, { ...meanStep(found), step: index });
    }
  } finally {
    for (const [i, left] of states.entries()) disposeRunState((parts[i] as RunPart).run, left);
  }
  return endRound(options, round);
}
