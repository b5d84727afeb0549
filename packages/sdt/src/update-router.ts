import type { RouterFile } from '@harmonica/core';
import { objective, proxyByName } from '@harmonica/iepo';
import {
  branchCostWeights,
  routerScores,
  type StepMatrix,
  theoreticalSpeedUp,
} from '@harmonica/router';
import { type AdamWState, updateAdamW } from './adamw.js';
import { adaptBeta, betaOfGains } from './beta.js';
import { type CurrentSchedule, costModelIn, currentSchedule, speedUpAt } from './threshold.js';
import { LOGIT_LIMIT, learningRateAt, type TrainingConfig } from './training-config.js';
import type { TrainingState, TrainRouterOptions, TrajectoryRecord } from './training-run.js';
import type { TrainingStepResult } from './training-step.js';

/** Some updates of one state, until {@link endRound} makes them its next. */
export interface Round {
  readonly state: TrainingState;
  /** Sums over the updates. */
  readonly totals: { readonly error: number; readonly data: number; readonly penalty: number };
  readonly updates: number;
  /** `[T][N]`, as `betaOfGains` takes them; rows without an update are 0. */
  readonly gains: StepMatrix;
}

/** What a router is trained with, as far as its updates depend on it. */
type UpdateOptions = Pick<TrainRouterOptions, 'config' | 'executor' | 'onProgress'>;

/** A round without updates. */
export function startRound(state: TrainingState): Round {
  const gains = state.logits.map((row) => row.map(() => 0));
  return { state, totals: { error: 0, data: 0, penalty: 0 }, updates: 0, gains };
}

/** Scores to blend the branches of a step by: the router's, in the hard finish a mask. */
export function appliedScores(
  options: UpdateOptions,
  { state }: Round,
  step: number,
): readonly number[] {
  const { config } = options;
  const isSoft = state.iteration < config.iterations * (1 - config.hardFinish);
  if (isSoft) return scoresOf(state.logits, step);
  return currentSchedule(options, state).hardScores[step] as readonly number[];
}

/** Updates the logits of a step by AdamW and a clamp, and reports it. */
export function updateStep(
  options: UpdateOptions,
  { state, totals, updates, gains }: Round,
  found: Pick<TrainingStepResult, 'error' | 'scoreGradients'> & { readonly step: number },
): Round {
  const { config, onProgress } = options;
  const { step, error } = found;
  const { beta } = state;
  const lossWeight = state.lossWeights[step] as number;
  const scores = scoresOf(state.logits, step);
  const costs = penaltyCosts(options, state);
  const terms = objective({ lossWeight, error, beta, scores, costs });
  const ownGradient = scores.map((s, k) => {
    const byScore = lossWeight * (found.scoreGradients[k] as number) + beta * (costs[k] as number);
    return byScore * s * (1 - s);
  });
  // The error is close to a square of what is predicted, so its slope falls with the share that is.
  const gainAtThreshold = (s: number, k: number) =>
    (-lossWeight * (found.scoreGradients[k] as number) * (1 - config.threshold)) /
    ((1 - s) * (costs[k] as number));
  const updated = updateAdamW({
    parameters: state.logits[step] as readonly number[],
    gradient: config.granularity === 'step' ? shared(ownGradient) : ownGradient,
    state: state.optimizer[step] as AdamWState,
    learningRate: learningRateAt(config, state.iteration),
  });
  const logits = state.logits.with(step, updated.parameters.map(clamp));
  const optimizer = state.optimizer.with(step, updated.state);
  const iteration = state.iteration + 1;
  const { iterations } = config;
  onProgress?.({ ...terms, error, iteration, iterations, step, beta, logits });
  return {
    state: { ...state, iteration, logits, optimizer },
    totals: {
      error: totals.error + error,
      data: totals.data + terms.data,
      penalty: totals.penalty + terms.penalty,
    },
    updates: updates + 1,
    gains: gains.with(step, scores.map(gainAtThreshold)),
  };
}

/** The state after the updates of a round, with its record and the beta that follows from it. */
export function endRound(options: UpdateOptions, round: Round): TrainingState {
  const { config } = options;
  const { state } = round;
  const { targetSpeedup: target } = config;
  const current = currentSchedule(options, state);
  return {
    ...state,
    beta: target ? nextBeta({ config, target, current, round }) : state.beta,
    records: [...state.records, recordOf(current, round)],
  };
}

interface NextBetaInput {
  readonly config: TrainingConfig;
  readonly target: number;
  readonly current: CurrentSchedule;
  readonly round: Round;
}

/** After the first trajectory beta follows from what branches are worth, unless lambda has said it; then it is adapted. */
function nextBeta({ config, target, current, round }: NextBetaInput): number {
  const { cost, scores } = current;
  const { state, updates, gains } = round;
  const isFirst = state.iteration === updates;
  if (isFirst && !proxyByName(config.proxy).isRelative) return betaOfGains({ gains, cost, target });
  const speedUp = speedUpAt({ scores, cost, threshold: config.threshold });
  const learningRate = learningRateAt(config, state.iteration);
  return adaptBeta({ beta: state.beta, speedUp, target, learningRate });
}

function recordOf(current: CurrentSchedule, round: Round): TrajectoryRecord {
  const { cost, schedule, hardScores } = current;
  const { state, totals, updates } = round;
  const decisions = hardScores.flat();
  return {
    iteration: state.iteration,
    error: totals.error / updates,
    data: totals.data / updates,
    penalty: totals.penalty / updates,
    beta: state.beta,
    cacheUtilization: decisions.filter((score) => score === 0).length / decisions.length,
    speedUp: theoreticalSpeedUp({ schedule, cost }),
  };
}

/** What a branch weighs in the penalty, with mean 1. */
function penaltyCosts(options: UpdateOptions, state: TrainingState): readonly number[] {
  const { executor, config } = options;
  if (config.costs === 'uniform') return executor.spec.branches.map(() => 1);
  return branchCostWeights(costModelIn(options, state));
}

function scoresOf(logits: RouterFile['logits'], step: number): readonly number[] {
  return routerScores({ logits: [logits[step] as readonly number[]] })[0] as readonly number[];
}

/** The gradient of one logit that all entries share, as a mean so that it does not grow with their number. */
function shared(gradient: readonly number[]): number[] {
  const mean = gradient.reduce((sum, g) => sum + g, 0) / gradient.length;
  return gradient.map(() => mean);
}

function clamp(logit: number): number {
  return Math.min(LOGIT_LIMIT, Math.max(-LOGIT_LIMIT, logit));
}
