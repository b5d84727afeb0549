import { assertPlanFits, createRng, IncompatibleError, type RouterFile } from '@harmonica/core';
import { type CostModel, macsCostModel, theoreticalSpeedUp } from '@harmonica/router';
import { initAdamW } from './adamw.js';
import { measuredCosts } from './batch.js';
import { costModelIn, currentSchedule } from './current-schedule.js';
import { startingLogits } from './initial-logits.js';
import { withFinalPredictors } from './loss-weights.js';
import { assertPairs, noLatents, trainPairs } from './pairs.js';
import { swapRound, wantsSwap } from './swap-rounds.js';
import { assertTrainingConfig, SETTING_DEFAULTS } from './training-config.js';
import type { TrainingState, TrainRouterOptions } from './training-run.js';
import { trainTrajectory } from './trajectory.js';

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
  if (paired && !options.drawLatents) throw noLatents();
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
