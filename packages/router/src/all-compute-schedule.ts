import { assertCount, type Branch, type CacheSchedule } from '@harmonica/core';
import { createSchedule } from './schedule/schedule.js';

/** Options of {@link allComputeSchedule}. */
export interface AllComputeScheduleOptions {
  /** Sampling steps T, an integer of at least 1. */
  readonly steps: number;
  /** `spec.branches` of the backbone. */
  readonly branches: readonly Branch[];
}

/**
 * The schedule that predicts nothing: the uncached run written as a table.
 *
 * @throws {@link InvalidArgumentError} if there is no step or no branch.
 */
export function allComputeSchedule(options: AllComputeScheduleOptions): CacheSchedule {
  const { steps, branches } = options;
  assertCount({ argument: 'steps', value: steps });
  return createSchedule({
    decisions: Array.from({ length: steps }, () => branches.map(() => true)),
  });
}
