import { type CacheSchedule, InvalidArgumentError, type RouterFile } from '@harmonica/core';
import {
  type CostModel,
  createSchedule,
  macsCostModel,
  routerScores,
  type StepMatrix,
  scheduleDecisions,
  theoreticalSpeedUp,
} from '@harmonica/router';
import type { TrainingState, TrainRouterOptions } from './training-run.js';

/** Options of {@link calibrateThreshold}. */
export interface CalibrateThresholdOptions {
  /** `[T][N]`; row 0 is not read: step 0 computes everything. */
  readonly logits: RouterFile['logits'];
  readonly cost: CostModel;
  /** Theoretical speed-up to reach. */
  readonly speedUp: number;
}

/**
 * The lowest threshold at which the router's schedule reaches a speed-up: of all branch calls, those with the lowest
 * scores are predicted, just as many as it takes.
 *
 * @returns in (0, 1), between two scores
 * @throws {@link InvalidArgumentError} if predicting every branch after step 0 is not enough
 */
export function calibrateThreshold({ logits, cost, speedUp }: CalibrateThresholdOptions): number {
  return lowestThreshold({ scores: routerScores({ logits }), cost, speedUp, highest: 1 });
}

interface LowestThresholdOptions extends Omit<CalibrateThresholdOptions, 'logits'> {
  /** `[T][N]`; what is above the threshold is computed. Row 0 is not read. */
  readonly scores: StepMatrix;
  /** A number that no score exceeds. */
  readonly highest: number;
}

/**
 * {@link calibrateThreshold} of any scores.
 *
 * @throws {@link InvalidArgumentError} if predicting every branch after step 0 is not enough
 */
export function lowestThreshold(options: LowestThresholdOptions): number {
  const { scores, cost, speedUp, highest } = options;
  const distinct = [...new Set(scores.slice(1).flat())].sort((a, b) => a - b);
  const reaches = (threshold: number): boolean => speedUpAt({ scores, cost, threshold }) >= speedUp;
  let low = -1; // Highest index known not to reach it; -1 predicts nothing.
  let high = distinct.length - 1;
  if (high < 0 || !reaches(distinct[high] as number)) {
    throw new InvalidArgumentError({
      argument: 'speedUp',
      value: speedUp,
      expected: `at most ${speedUpAt({ scores, cost, threshold: highest }).toFixed(3)}, what predicting everything after step 0 gives`,
      fix: 'Ask for less, or use a plan with more steps.',
    });
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (reaches(distinct[middle] as number)) high = middle;
    else low = middle;
  }
  // Between two scores, so that rounding of a logit in a file does not flip a decision.
  const score = distinct[high] as number;
  const next = distinct[high + 1] ?? highest;
  return (score + next) / 2;
}

interface SpeedUpAtOptions {
  readonly scores: StepMatrix;
  readonly cost: CostModel;
  readonly threshold: number;
}

/** Theoretical speed-up of the schedule that a threshold gives. */
export function speedUpAt({ scores, cost, threshold }: SpeedUpAtOptions): number {
  return theoreticalSpeedUp({ schedule: scheduleAt(scores, threshold), cost });
}

/** What is computed at a threshold: everything in step 0. */
function scheduleAt(scores: StepMatrix, threshold: number): CacheSchedule {
  return createSchedule({
    decisions: scores.map((row, step) => row.map((score) => step === 0 || score > threshold)),
  });
}

/** What a router in training comes to as it stands. */
export interface CurrentSchedule {
  /** What speed-ups are computed from: MACs, or the times that were measured before the first update. */
  readonly cost: CostModel;
  /** `[T][N]`, each in (0, 1). */
  readonly scores: StepMatrix;
  /** Scores above it compute. With a target, what reaches it; otherwise the configured one. */
  readonly threshold: number;
  /** What is computed at the threshold; everything in step 0. */
  readonly schedule: CacheSchedule;
  /** The decisions of the schedule as scores, `[T][N]`: 1 where a branch is computed, else 0. */
  readonly hardScores: StepMatrix;
}

/**
 * Costs, scores, threshold and schedule of a training state.
 *
 * @throws {@link InvalidArgumentError} if predicting every branch after step 0 does not reach the target
 */
export function currentSchedule(
  options: Pick<TrainRouterOptions, 'executor' | 'config'>,
  state: Pick<TrainingState, 'logits' | 'costs'>,
): CurrentSchedule {
  const { targetSpeedup: speedUp, threshold: configured } = options.config;
  const cost = costModelIn(options, state);
  const scores = routerScores(state);
  const threshold = speedUp
    ? calibrateThreshold({ logits: state.logits, cost, speedUp })
    : configured;
  const schedule = scheduleAt(scores, threshold);
  const hardScores = scheduleDecisions(schedule).map((row) => row.map(Number));
  return { cost, scores, threshold, schedule, hardScores };
}

/** MACs, or the times that were measured before the first update. */
export function costModelIn(
  { executor }: Pick<TrainRouterOptions, 'executor'>,
  { costs }: Pick<TrainingState, 'costs'>,
): CostModel {
  return costs ?? macsCostModel(executor.spec);
}
