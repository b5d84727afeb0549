import type { CacheSchedule } from '@harmonica/core';
import {
  type CostModel,
  createSchedule,
  macsCostModel,
  routerScores,
  type StepMatrix,
  scheduleDecisions,
} from '@harmonica/router';
import { calibrateThreshold, decisionsAt } from './threshold.js';
import type { TrainingState, TrainRouterOptions } from './training-run.js';

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
  const schedule = createSchedule({ decisions: decisionsAt(scores, threshold) });
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
