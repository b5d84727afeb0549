import type { RouterFile } from '@harmonica/core';
import { objective } from '@harmonica/iepo';
import { type CostModel, routerScores, type StepMatrix } from '@harmonica/router';
import { type AdamWState, updateAdamW } from './adamw.js';
import { adaptBeta, betaOfGains } from './beta.js';
import {
  costModelIn,
  decisionsAt,
  penaltyCosts,
  speedUpAt,
  thresholdInForce,
} from './threshold.js';
import { isRelative, LOGIT_LIMIT, learningRateAt, type TrainingConfig } from './training-config.js';
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
export type UpdateOptions = Pick<TrainRouterOptions, 'config' | 'executor' | 'onProgress'>;

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
  const { logits, iteration } = state;
  const scores = scoresOf(logits, step);
  if (iteration < config.iterations * (1 - config.hardFinish)) return scores;
  const threshold = thresholdInForce(config, logits, costModelIn(options, state));
  return scores.map((score) => (score > threshold ? 1 : 0));
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
  const weight = state.weights[step] as number;
  const scores = scoresOf(state.logits, step);
  const costs = penaltyCosts(options, state);
  const terms = objective({ weight, error, beta, scores, costs });
  const ownGradient = scores.map((s, k) => {
    const byScore = weight * (found.scoreGradients[k] as number) + beta * (costs[k] as number);
    return byScore * s * (1 - s);
  });
  // The error is close to a square of what is predicted, so its slope falls with the share that is.
  const gainAtThreshold = (s: number, k: number) =>
    (-weight * (found.scoreGradients[k] as number) * (1 - config.threshold)) /
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
  const cost = costModelIn(options, state);
  return {
    ...state,
    beta: target ? nextBeta({ config, target, cost, round }) : state.beta,
    records: [...state.records, recordOf({ config, cost, round })],
  };
}

interface NextBetaInput extends RecordInput {
  readonly target: number;
}

/** After the first trajectory beta follows from what branches are worth, unless lambda has said it; then it is adapted. */
function nextBeta({ config, target, cost, round }: NextBetaInput): number {
  const { state, updates, gains } = round;
  const isFirst = state.iteration === updates;
  if (isFirst && !isRelative(config.proxy)) return betaOfGains({ gains, cost, target });
  const speedUp = speedUpAt({ scores: routerScores(state), cost, threshold: config.threshold });
  const learningRate = learningRateAt(config, state.iteration);
  return adaptBeta({ beta: state.beta, speedUp, target, learningRate });
}

interface RecordInput {
  readonly config: TrainingConfig;
  readonly cost: CostModel;
  readonly round: Round;
}

function recordOf({ config, cost, round }: RecordInput): TrajectoryRecord {
  const { state, totals, updates } = round;
  const scores = routerScores(state);
  const threshold = thresholdInForce(config, state.logits, cost);
  const decisions = decisionsAt(scores, threshold).flat();
  return {
    iteration: state.iteration,
    error: totals.error / updates,
    data: totals.data / updates,
    penalty: totals.penalty / updates,
    beta: state.beta,
    cacheUtilization: decisions.filter((computed) => !computed).length / decisions.length,
    speedUp: speedUpAt({ scores, cost, threshold }),
  };
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
