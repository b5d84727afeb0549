import {
  assertPlanFits,
  createRng,
  IncompatibleError,
  type RouterFile,
  restoreRng,
} from '@harmonica/core';
import { type RunPart, swapped, swapSteps } from '@harmonica/iepo';
import {
  type CostModel,
  disposeRunState,
  fullStep,
  macsCostModel,
  type RunState,
  theoreticalSpeedUp,
} from '@harmonica/router';
import { initAdamW } from './adamw.js';
import {
  disposeParts,
  drawNoise,
  measuredCosts,
  onFreshBatch,
  rngAfterRefresh,
  routedParts,
} from './batch.js';
import { startingLogits } from './initial-logits.js';
import {
  candidateNames,
  isRefreshDue,
  predictorSearch,
  refreshWeights,
  withFinalPredictors,
} from './loss-weights.js';
import { assertDrawLatents, assertPairs, trainPairs } from './pairs.js';
import { costModelIn, currentSchedule } from './threshold.js';
import { assertTrainingConfig, SETTING_DEFAULTS } from './training-config.js';
import type { TrainingState, TrainRouterOptions } from './training-run.js';
import { overParts, trainingStep } from './training-step.js';
import { appliedScores, endRound, startRound, updateStep } from './update-router.js';

/**
 * Learns a cache router by Step-wise Denoising Training with the image-error-proxy-guided objective (HarmoniCa, 2025),
 * through any cache predictor. Every trajectory is sampled from fresh noise along the student's own path; each step's
 * router is updated by AdamW and clamped to [-5, 5].
 *
 * With trainer `l2c` it is Learning-to-Cache (2024) instead: each update takes fresh images of `drawLatents` and one pair of
 * steps, the first of which always computes everything.
 *
 * @returns the router, with the threshold that reaches `targetSpeedup` if one was asked for
 * @throws {@link IncompatibleError} if the plan is for models of another kind, or `resume` was made with another model,
 * plan or config; for `l2c` if the plan is not DDIM's without noise
 * @throws {@link InvalidArgumentError} if the model takes more than class labels and there is no `drawCondition`, or it has
 * no null condition and `guidance` gives none; for `l2c` if there is no `drawLatents` or the number of steps is odd
 * @throws {@link AbortedError} within one step of an abort; the last state given to `onTrajectory` resumes the run
 * @throws {@link NonFiniteError} if a loss or gradient is NaN or infinite
 */
export async function trainRouter(options: TrainRouterOptions): Promise<RouterFile> {
  const { config, onTrajectory } = options;
  const paired = config.trainer === 'l2c';
  assertTrainable(options);
  if (paired) assertDrawLatents(options.drawLatents);
  let state = options.resume ? resumed(options, options.resume) : await initialState(options);
  // More updates make another schedule, which is searched anew.
  if (state.iteration < config.iterations) state = { ...state, swaps: undefined };
  await onTrajectory?.(state);
  while (state.iteration < config.iterations) {
    state = await (paired ? trainPairs : trainTrajectory)(options, state);
    await onTrajectory?.(state);
  }
  while (wantsSwap(options, state)) {
    state = await swapRound(options, state);
    await onTrajectory?.(state);
  }
  return finishedRouter(options, await withFinalPredictors(options, state));
}

/** Samples one trajectory of the student from noise; each step after the first updates its row of logits. */
async function trainTrajectory(
  options: TrainRouterOptions,
  before: TrainingState,
): Promise<TrainingState> {
  const rng = restoreRng(before.rng);
  const batch = drawNoise(options, rng);
  try {
    const due = isRefreshDue(options.config, before);
    const state = due ? await refreshWeights(options, before, batch) : before;
    const parts = routedParts(options, state, batch);
    const trained = await trainSteps(options, state, parts);
    return { ...trained, rng: (due ? rngAfterRefresh(options.config, rng) : rng).state() };
  } finally {
    disposeParts(batch);
  }
}

/** Step 0 fills the cache. Each step is taken by one part after the other, and then updates the router. */
async function trainSteps(
  options: TrainRouterOptions,
  state: TrainingState,
  parts: readonly RunPart[],
): Promise<TrainingState> {
  let round = startRound(state);
  const states: RunState[] = [];
  try {
    for (const { run, latent } of parts) states.push(await fullStep(run, { latent, index: 0 }));
    for (let index = 1; index < state.logits.length; index++) {
      const scores = appliedScores(options, round, index);
      const found = await overParts(parts, options.signal, async ({ run }, i) => {
        const before = states[i] as RunState;
        const { state: after, ...errors } = await trainingStep({
          run,
          state: before,
          index,
          scores,
        });
        disposeRunState(run, before);
        states[i] = after;
        return errors;
      });
      round = updateStep(options, round, { ...found, step: index });
    }
  } finally {
    for (const [i, left] of states.entries()) disposeRunState((parts[i] as RunPart).run, left);
  }
  return endRound(options, round);
}

/** How many batches decide on a swap. */
const SWAP_BATCHES = 2;

/** Whether a state still wants swaps: it is trained, and the search has neither ended nor used up its rounds. */
function wantsSwap({ config }: TrainRouterOptions, state: TrainingState): boolean {
  return (state.swaps?.rounds ?? 0) < (config.swaps ?? 0) && !state.swaps?.ended;
}

/**
 * Lets two steps of the schedule that training ended with change places if that brings images closer to the uncached ones,
 * on a batch of its own. The scores of the steps change places, so that the threshold keeps its meaning.
 */
async function swapRound(
  options: TrainRouterOptions,
  state: TrainingState,
): Promise<TrainingState> {
  const { config, signal, onSwap } = options;
  const { logits } = state;
  const rng = restoreRng(state.rng);
  const { candidates, chosen = logits.map(() => 0) } = predictorSearch(config, state) ?? {};
  const found = await onFreshBatch(options, state, {
    rng,
    batches: SWAP_BATCHES,
    use: (batch) =>
      swapSteps({
        ...batch,
        chosen,
        ...(candidates && { candidates }),
        ...(signal && { signal }),
      }),
  });
  const rounds = (state.swaps?.rounds ?? 0) + 1;
  onSwap?.({ ...found, round: rounds, rounds: config.swaps ?? 0 });
  return {
    ...state,
    rng: rng.state(),
    logits: found.swap ? swapped(logits, found.swap) : logits,
    predictor: candidates ? candidateNames(found.chosen) : state.predictor,
    swaps: { rounds, ended: !found.swap },
  };
}

/**
 * Checks what needs no data: the settings, that the plan is for models of this kind, and that `l2c` can train on it.
 *
 * @throws {@link InvalidArgumentError}, {@link IncompatibleError} as {@link trainRouter}
 */
export function assertTrainable({
  config,
  executor,
  plan,
}: Pick<TrainRouterOptions, 'config' | 'executor' | 'plan'>): void {
  assertTrainingConfig(config);
  assertPlanFits({ plan, spec: executor.spec });
  if (config.trainer === 'l2c') assertPairs(plan);
}

/** The router that a training state stands for. */
export function finishedRouter(
  options: Pick<TrainRouterOptions, 'executor' | 'config'>,
  state: TrainingState,
): RouterFile {
  const { executor, config } = options;
  const { costs } = state;
  const { threshold, schedule } = currentSchedule(options, state);
  const speedUp = (cost: CostModel) => theoreticalSpeedUp({ schedule, cost });
  const last = state.records.at(-1);
  const training = {
    ...state.provenance.training,
    trainer: config.trainer ?? SETTING_DEFAULTS.trainer,
    config,
    iterations: state.iteration,
    images: state.images ?? 0,
    beta: state.beta,
    lambda: state.lambda,
    theoreticalSpeedUp: speedUp(macsCostModel(executor.spec)),
    ...(costs && { costs, expectedSpeedUp: speedUp(costs) }),
    ...(state.swaps && { swaps: state.swaps.rounds }),
    ...(last && { lastTrajectory: last }),
  };
  return {
    version: 1,
    kind: 'router',
    steps: state.logits.length,
    branches: executor.spec.branches.length,
    predictor: state.predictor,
    threshold,
    logits: state.logits,
    provenance: { ...state.provenance, training },
  };
}

async function initialState(options: TrainRouterOptions): Promise<TrainingState> {
  const { config, provenance } = options;
  const rng = createRng({ seed: config.seed });
  // Until the first refresh chooses.
  const predictor = config.predictor === 'per-step' ? 'linear' : config.predictor;
  const costs = await measuredCosts(options, { rng: rng.state(), predictor });
  const cost = costModelIn(options, { costs });
  const logits = startingLogits({ ...options, cost, rng });
  const zeros = logits.map(() => 0);
  return {
    version: 1,
    kind: 'sdt-state',
    config,
    provenance,
    iteration: 0,
    refreshedAt: -1,
    logits,
    predictor,
    optimizer: logits.map((row) => initAdamW(row.length)),
    rng: rng.state(),
    beta: config.beta,
    lossWeights: zeros,
    lambda: zeros,
    records: [],
    images: 0,
    ...(costs && { costs }),
  };
}

/** Settings that may change between runs of one training: how long it is. */
function resumed(options: TrainRouterOptions, state: TrainingState): TrainingState {
  const same = (what: string, actual: unknown, expected: unknown, fix: string): void => {
    if (JSON.stringify(actual) !== JSON.stringify(expected)) {
      throw new IncompatibleError({ what, actual, expected, fix });
    }
  };
  const { provenance, config } = options;
  const fix = 'Resume with what the run was started with, or start a new run.';
  same('The state was trained for something that', state.provenance, provenance, fix);
  const { iterations: _before, swaps: _done, ...settings } = state.config;
  const { iterations: _after, swaps: _wanted, ...now } = config;
  same('The config of the state', comparable(settings), comparable(now), fix);
  return state;
}

function comparable(settings: object): unknown {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const all = Object.entries({ ...SETTING_DEFAULTS, ...Object.fromEntries(given) });
  return all.sort(([a], [b]) => (a < b ? -1 : 1));
}
