import { type CacheSchedule, InvalidArgumentError, type RouterFile } from '@harmonica/core';
import { routerScores } from './router-scores.js';
import { createSchedule } from './schedule-table.js';

/** Options of {@link toSchedule}. */
export interface ToScheduleOptions {
  /** Score above which a branch is computed, in (0, 1). Default: the router's own. */
  readonly threshold?: number;
}

/**
 * The decisions of a router: a branch is computed where its score is above the threshold, and everywhere in step 0.
 * Keeps the router's predictor and provenance.
 *
 * @throws {@link InvalidArgumentError} if the threshold is not in (0, 1).
 */
export function toSchedule(router: RouterFile, options: ToScheduleOptions = {}): CacheSchedule {
  const { threshold = router.threshold } = options;
  if (!(threshold > 0 && threshold < 1)) {
    throw new InvalidArgumentError({
      argument: 'threshold',
      value: threshold,
      expected: 'a number between 0 and 1, both excluded',
    });
  }
  const { predictor, provenance } = router;
  const decisions = routerScores(router).map((row, step) =>
    row.map((score) => step === 0 || score > threshold),
  );
  return createSchedule({ decisions, predictor, provenance });
}
