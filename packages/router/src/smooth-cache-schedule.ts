import {
  type Branch,
  type CacheSchedule,
  InvalidArgumentError,
  type PredictorChoice,
  type Provenance,
} from '@harmonica/core';
import { assertCount } from './assert-count.js';
import { assertRecorded } from './assert-recorded.js';
import { type Granularity, groupMeans } from './branch-groups.js';
import { createSchedule } from './schedule-table.js';

/** How much branch outputs change over 1, 2, ... steps of an uncached run. Plain data. */
export interface RecordedChanges {
  /** Sampling steps T. */
  readonly steps: number;
  /** How many runs the numbers are the mean of. */
  readonly runs: number;
  /**
   * `[d - 1][i][k]`, for d = 1 to the lookback and i < T - d: relative L1 change of branch k from step i to step i + d,
   * `sum |f(i) - f(i + d)| / sum |f(i + d)|`.
   */
  readonly changes: readonly (readonly (readonly number[])[])[];
}

/** Options of {@link smoothCacheSchedule}. */
export interface SmoothCacheScheduleOptions {
  /** From `createChangeRecorder`; its lookback bounds how many steps in a row are predicted. */
  readonly recorded: RecordedChanges;
  /** `spec.branches` of the backbone. */
  readonly branches: readonly Branch[];
  /** Largest change that is let pass, at least 0. Published: 0.08 to 0.18 for DiT-XL/2 with 50 steps. */
  readonly threshold: number;
  /** Which branches are decided together, by the mean of their changes. Default `kind`, as published. */
  readonly per?: Granularity;
  /** What stands in for a branch that is not computed. Default `hold`. */
  readonly predictor?: PredictorChoice;
  readonly provenance?: Provenance;
}

/**
 * SmoothCache (Liu et al. 2024, arXiv 2411.10510): from a computed step on, predicts as many steps as the lookback
 * allows while the last of them differs from the computed one by at most the threshold; then computes again. The first
 * and the last step are computed.
 *
 * @throws {@link InvalidArgumentError} if the record does not fit the branches, or the threshold is negative.
 */
export function smoothCacheSchedule(options: SmoothCacheScheduleOptions): CacheSchedule {
  const { recorded, branches, threshold, per = 'kind', predictor, provenance } = options;
  const { steps, changes } = recorded;
  assertCount({ argument: 'recorded.steps', value: steps });
  changes.forEach((values, i) => {
    const rows = Math.max(0, steps - 1 - i);
    assertRecorded({ argument: `recorded.changes[${i}]`, values, rows, columns: branches.length });
  });
  if (!(threshold >= 0)) {
    throw new InvalidArgumentError({
      argument: 'threshold',
      value: threshold,
      expected: 'a relative change of at least 0',
    });
  }
  const means = changes.map((values) => groupMeans({ values, branches, per }));
  const columns = branches.map((_, k) =>
    scan({ steps, changes: means.map((each) => each[k] as readonly number[]), threshold }),
  );
  const decisions = Array.from({ length: steps }, (_, step) =>
    columns.map((computed) => computed.has(step)),
  );
  return createSchedule({ decisions, predictor, provenance });
}

/** The computed steps of a branch. */
function scan(options: {
  readonly steps: number;
  /** `[d - 1][i]`. */
  readonly changes: readonly (readonly number[])[];
  readonly threshold: number;
}): ReadonlySet<number> {
  const { steps, changes, threshold } = options;
  const computed = new Set([0, steps - 1]);
  for (let step = 0; step < steps; ) {
    computed.add(step);
    const passes = (each: readonly number[]) =>
      (each[step] ?? Number.POSITIVE_INFINITY) <= threshold;
    step += 2 + changes.findLastIndex(passes);
  }
  return computed;
}
