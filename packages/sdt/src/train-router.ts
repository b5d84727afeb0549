import {
  assertPlanFits,
  createRng,
  type Executor,
  type Guidance,
  IncompatibleError,
  type PredictorChoice,
  type PredictorName,
  type Provenance,
  type Rng,
  type RouterFile,
  restoreRng,
  type SamplerPlan,
  throwIfAborted,
} from '@harmonica/core';
import { advanceRun, disposeRunState, objective, type RoutedRun, startRun } from '@harmonica/iepo';
import {
  branchCostWeights,
  type CostModel,
  fixedIntervalSchedule,
  logitsFromSchedule,
  macsCostModel,
  normalLogits,
  predictorByName,
  routerScores,
} from '@harmonica/router';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import { initAdamW, updateAdamW } from './adamw.js';
import { adaptBeta } from './beta-control.js';
import { calibrateThreshold, decisionsAt, speedUpAt } from './calibrate-threshold.js';
import { type DrawCondition, drawBatch, drawLabels, type TrainingBatch } from './draw-batch.js';
import { startingBeta } from './starting-beta.js';
import { isRelative, predictorsFor, stepWeights } from './step-weights.js';
import {
  assertTrainingConfig,
  LOGIT_LIMIT,
  learningRateAt,
  type TrainingConfig,
} from './training-config.js';
import type { TrainingState, TrajectoryRecord } from './training-state.js';
import { trainingStep } from './training-step.js';

/** One router update, as it is reported. */
export interface TrainingProgress {
  /** Updates done, this one included. */
  readonly iteration: number;
  readonly iterations: number;
  /** Step of the plan that was trained. */
  readonly step: number;
  /** Mean squared error of the student's guided output. */
  readonly error: number;
  /** `weight * error` and `beta * penalty`, and their sum. */
  readonly data: number;
  readonly penalty: number;
  readonly loss: number;
  readonly beta: number;
  /** `[T][N]`, after the update. */
  readonly logits: RouterFile['logits'];
}

export interface TrainRouterOptions {
  readonly executor: Executor;
  readonly plan: SamplerPlan;
  readonly config: TrainingConfig;
  readonly guidance?: Guidance;
  /** Recorded in the router and checked on resume. */
  readonly provenance: Provenance;
  /** Default: uniform class labels. */
  readonly drawCondition?: DrawCondition;
  /** State to go on from, as `onTrajectory` gave it. */
  readonly resume?: TrainingState;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Called with a resumable state before the first trajectory and after each. */
  readonly onTrajectory?: (state: TrainingState) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

/**
 * Learns a cache router by Step-wise Denoising Training with the image-error-proxy-guided objective (HarmoniCa, 2025),
 * through any cache predictor. Every trajectory is sampled from fresh noise along the student's own path; each step's
 * router is updated by AdamW and clamped to [-5, 5].
 *
 * @returns the router, with the threshold that reaches `targetSpeedup` if one was asked for
 * @throws {@link IncompatibleError} if the plan is for models of another kind, or `resume` was made with another model,
 * plan or config
 * @throws {@link InvalidArgumentError} if the model takes more than class labels and there is no `drawCondition`, or it has
 * no null condition and `guidance` gives none
 * @throws {@link AbortedError} within one step of an abort; the last state given to `onTrajectory` resumes the run
 * @throws {@link NonFiniteError} if a loss or gradient is NaN or infinite
 */
export async function trainRouter(options: TrainRouterOptions): Promise<RouterFile> {
  const { config, executor, plan, onTrajectory } = options;
  assertTrainingConfig(config);
  assertPlanFits({ plan, spec: executor.spec });
  let state = options.resume ? resumed(options, options.resume) : initialState(options);
  await onTrajectory?.(state);
  while (state.iteration < config.iterations) {
    state = await trainTrajectory(options, state);
    await onTrajectory?.(state);
  }
  return finishedRouter(options, await withFinalPredictors(options, state));
}

/** The router that a training state stands for. */
export function finishedRouter(
  { executor, config }: Pick<TrainRouterOptions, 'executor' | 'config'>,
  state: TrainingState,
): RouterFile {
  const cost = macsCostModel(executor.spec);
  const threshold = thresholdInForce(config, state.logits, cost);
  const last = state.records.at(-1);
  const training = {
    config,
    iterations: state.iteration,
    beta: state.beta,
    lambda: state.lambda,
    theoreticalSpeedUp: speedUpAt({ scores: routerScores(state), cost, threshold }),
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

function initialState({ executor, plan, config, provenance }: TrainRouterOptions): TrainingState {
  const { branches } = executor.spec;
  const steps = plan.steps.length;
  const rng = createRng({ seed: config.seed });
  const size = { steps, branches: branches.length };
  const { initial } = config;
  const logits =
    initial.kind === 'normal'
      ? normalLogits({ ...size, rng })
      : logitsFromSchedule({
          schedule: fixedIntervalSchedule({
            steps,
            branches,
            interval: initial.interval,
            align: 'first',
            initialSteps: Math.min(initial.initialSteps, steps),
          }),
          computed: 2,
          predicted: -2,
        });
  const zeros = new Array<number>(steps).fill(0);
  return {
    version: 1,
    kind: 'sdt-state',
    config,
    provenance,
    iteration: 0,
    refreshedAt: -1,
    logits,
    // Until the first refresh chooses.
    predictor: config.predictor === 'per-step' ? 'linear' : config.predictor,
    optimizer: logits.map((row) => initAdamW(row.length)),
    rng: rng.state(),
    beta: config.beta,
    weights: zeros,
    lambda: zeros,
    records: [],
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
  const { training: _old, ...made } = state.provenance;
  const { training: _new, ...wanted } = provenance;
  const fix = 'Resume with what the run was started with, or start a new run.';
  same('The state was trained for something that', made, wanted, fix);
  const { iterations: _before, ...settings } = state.config;
  const { iterations: _after, ...now } = config;
  same('The config of the state', sorted(settings), sorted(now), fix);
  return state;
}

function sorted(record: object): unknown {
  const defined = Object.entries(record).filter(([, value]) => value !== undefined);
  return defined.sort(([a], [b]) => (a < b ? -1 : 1));
}

async function trainTrajectory(
  options: TrainRouterOptions,
  before: TrainingState,
): Promise<TrainingState> {
  const rng = restoreRng(before.rng);
  const batch = drawTrajectory(options, rng);
  const run = routedRun(options, before, batch);
  try {
    const refreshed = await refreshWeights({ options, state: before, run, batch });
    const chosen = { ...run, predictor: predictorByName(refreshed.predictor) };
    const trained = await trainSteps({ options, state: refreshed, run: chosen, batch });
    return { ...trained, rng: rng.state() };
  } finally {
    disposeBatch(batch);
  }
}

function routedRun(
  { executor, plan, guidance, config }: TrainRouterOptions,
  { predictor }: TrainingState,
  { condition, noise }: TrainingBatch,
): RoutedRun {
  const { threshold } = config;
  const named = predictorByName(predictor);
  const shared = { executor, plan, predictor: named, condition, noise, threshold };
  return guidance ? { ...shared, guidance } : shared;
}

function disposeBatch({ latent, condition }: TrainingBatch): void {
  dispose([latent, ...Object.values(condition)] as Tensor[]);
}

function drawTrajectory(
  options: TrainRouterOptions,
  rng: Rng,
  size = options.config.batchSize,
): TrainingBatch {
  const { executor, plan, guidance } = options;
  const { spec } = executor;
  const drawCondition = options.drawCondition ?? drawLabels(spec);
  return drawBatch({
    rng,
    size,
    spec,
    plan,
    drawCondition,
    ...(guidance && { guidance }),
  });
}

interface TrajectoryInput {
  readonly options: TrainRouterOptions;
  readonly state: TrainingState;
  readonly run: RoutedRun;
  readonly batch: TrainingBatch;
}

/** Renews lambda, the loss weights and the predictors every `refreshEvery` updates, on the batch of this trajectory. */
async function refreshWeights({
  options,
  state,
  run,
  batch,
}: TrajectoryInput): Promise<TrainingState> {
  const { config, executor, signal } = options;
  const first = state.refreshedAt < 0;
  if (!first && state.iteration - state.refreshedAt < config.refreshEvery) return state;
  const cost = macsCostModel(executor.spec);
  const fresh = await stepWeights({
    ...predictorSearch(config, state),
    run,
    latent: batch.latent,
    proxy: config.proxy,
    soft: routerScores(state),
    hard: hardScores(state.logits, thresholdInForce(config, state.logits, cost)),
    ...(signal && { signal }),
  });
  const share = first ? 1 : config.refreshShare;
  const blend = (old: readonly number[], next: readonly number[]) =>
    next.map((value, i) => share * value + (1 - share) * (old[i] as number));
  const { targetSpeedup: target } = config;
  const findsBeta = first && target !== undefined && isRelative(config.proxy);
  return {
    ...state,
    ...(findsBeta && { beta: startingBeta({ lambda: fresh.lambda, cost, target }) }),
    refreshedAt: state.iteration,
    predictor: fresh.chosen ? predictorNames(fresh.chosen) : state.predictor,
    lambda: blend(state.lambda, fresh.lambda),
    weights: blend(state.weights, fresh.weights),
  };
}

/** How many batches decide on the predictors that a router ships with. */
const FINAL_BATCHES = 4;

/** Chooses predictors once more, for the schedule that training ended with, on a batch of its own. */
async function withFinalPredictors(
  options: TrainRouterOptions,
  state: TrainingState,
): Promise<TrainingState> {
  const { config, executor, signal } = options;
  const search = predictorSearch(config, state);
  if (!search) return state;
  const size = FINAL_BATCHES * config.batchSize;
  const batch = drawTrajectory(options, restoreRng(state.rng), size);
  const threshold = thresholdInForce(config, state.logits, macsCostModel(executor.spec));
  try {
    const chosen = await predictorsFor({
      ...search,
      proxy: config.proxy,
      run: routedRun(options, state, batch),
      latent: batch.latent,
      hard: hardScores(state.logits, threshold),
      ...(signal && { signal }),
    });
    return { ...state, predictor: predictorNames(chosen) };
  } finally {
    disposeBatch(batch);
  }
}

/** What `per-step` chooses from, simplest first. */
const CANDIDATES: readonly PredictorName[] = ['hold', 'linear', 'quadratic'];

/** What there is to choose from with `per-step`, and what is in force. */
function predictorSearch(config: TrainingConfig, { predictor, logits }: TrainingState) {
  if (config.predictor !== 'per-step') return undefined;
  const names = typeof predictor === 'string' ? logits.map(() => predictor) : predictor;
  const chosen = names.map((name) => CANDIDATES.indexOf(name));
  return { candidates: CANDIDATES.map(predictorByName), chosen };
}

function predictorNames(chosen: readonly number[]): PredictorChoice {
  return chosen.map((index) => CANDIDATES[index] as PredictorName);
}

/** Step 0 fills the cache; every later step updates its row of logits. */
async function trainSteps({ options, state, run, batch }: TrajectoryInput): Promise<TrainingState> {
  const { config, executor, onProgress, signal } = options;
  const cost = macsCostModel(executor.spec);
  const costs =
    config.costs === 'macs' ? branchCostWeights(cost) : executor.spec.branches.map(() => 1);
  const logits = state.logits.map((row) => row);
  const optimizer = state.optimizer.map((entry) => entry);
  const totals = { error: 0, data: 0, penalty: 0 };
  let { iteration } = state;
  let runState = await firstStep(run, batch);
  for (let step = 1; step < logits.length; step++) {
    throwIfAborted(signal, 'Training');
    const row = logits[step] as readonly number[];
    const scores = routerScores({ logits: [row] })[0] as readonly number[];
    const hard = iteration >= config.iterations * (1 - config.hardFinish);
    const applied = hard ? hardMask(scores, thresholdInForce(config, logits, cost)) : scores;
    const result = await trainingStep({ run, state: runState, index: step, scores: applied });
    disposeRunState(run, runState);
    runState = result.state;

    const weight = state.weights[step] as number;
    const { error } = result;
    const terms = objective({ weight, error, beta: state.beta, scores, costs });
    const ownGradient = scores.map((s, k) => {
      const byScore =
        weight * (result.scoreGradients[k] as number) + state.beta * (costs[k] as number);
      return byScore * s * (1 - s);
    });
    const gradient = config.granularity === 'step' ? shared(ownGradient) : ownGradient;
    const updated = updateAdamW({
      parameters: row,
      gradient,
      state: optimizer[step] as (typeof optimizer)[number],
      learningRate: learningRateAt(config, iteration),
    });
    logits[step] = updated.parameters.map(clamp);
    optimizer[step] = updated.state;
    iteration += 1;
    totals.error += error;
    totals.data += terms.data;
    totals.penalty += terms.penalty;
    onProgress?.({
      ...terms,
      error,
      iteration,
      iterations: config.iterations,
      step,
      beta: state.beta,
      logits: [...logits],
    });
  }
  disposeRunState(run, runState);
  const speedUp = speedUpAt({
    scores: routerScores({ logits }),
    cost,
    threshold: config.threshold,
  });
  const { targetSpeedup } = config;
  const beta = targetSpeedup
    ? adaptBeta({ beta: state.beta, speedUp, target: targetSpeedup })
    : state.beta;
  const record = trajectoryRecord({ config, logits, cost, totals, iteration, beta: state.beta });
  return { ...state, iteration, logits, optimizer, beta, records: [...state.records, record] };
}

async function firstStep(run: RoutedRun, batch: TrainingBatch) {
  const start = startRun(run, batch.latent);
  const scores = run.executor.spec.branches.map(() => 1);
  try {
    const { state, output } = await advanceRun({ run, state: start, index: 0, scores });
    output.dispose();
    return state;
  } finally {
    disposeRunState(run, start);
  }
}

interface RecordInput {
  readonly config: TrainingConfig;
  readonly logits: RouterFile['logits'];
  readonly cost: CostModel;
  readonly totals: { readonly error: number; readonly data: number; readonly penalty: number };
  readonly iteration: number;
  readonly beta: number;
}

function trajectoryRecord(input: RecordInput): TrajectoryRecord {
  const { config, logits, cost, totals, iteration, beta } = input;
  const scores = routerScores({ logits });
  const threshold = thresholdInForce(config, logits, cost);
  const decisions = decisionsAt(scores, threshold).flat();
  const updates = logits.length - 1;
  return {
    iteration,
    error: totals.error / updates,
    data: totals.data / updates,
    penalty: totals.penalty / updates,
    beta,
    cacheUtilization: decisions.filter((computed) => !computed).length / decisions.length,
    speedUp: speedUpAt({ scores, cost, threshold }),
  };
}

function hardMask(scores: readonly number[], threshold: number): number[] {
  return scores.map((score) => (score > threshold ? 1 : 0));
}

/** The decisions at a threshold as scores of 0 and 1. */
function hardScores(logits: RouterFile['logits'], threshold: number): number[][] {
  return decisionsAt(routerScores({ logits }), threshold).map((row) => row.map(Number));
}

/** With a target, the threshold that reaches it; otherwise the configured one. */
function thresholdInForce(
  { targetSpeedup, threshold }: TrainingConfig,
  logits: RouterFile['logits'],
  cost: CostModel,
): number {
  return targetSpeedup ? calibrateThreshold({ logits, cost, speedUp: targetSpeedup }) : threshold;
}

/** The gradient of one logit that all entries share, as a mean so that it does not grow with their number. */
function shared(gradient: readonly number[]): number[] {
  const mean = gradient.reduce((sum, g) => sum + g, 0) / gradient.length;
  return gradient.map(() => mean);
}

function clamp(logit: number): number {
  return Math.min(LOGIT_LIMIT, Math.max(-LOGIT_LIMIT, logit));
}
