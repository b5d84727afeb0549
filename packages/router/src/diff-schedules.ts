import { type CacheSchedule, IncompatibleError } from '@harmonica/core';
import { scheduleDecisions } from './schedule-table.js';

/** A decision that two schedules make differently. */
export interface ScheduleDifference {
  readonly step: number;
  readonly branch: number;
  /** What the second schedule does there; the first does the other. */
  readonly becomes: 'computed' | 'predicted';
}

/** How two schedules of one size differ. Plain data. */
export interface ScheduleDiff {
  /** By step, then by branch. */
  readonly decisions: readonly ScheduleDifference[];
  /** Branch calls that only the second computes. */
  readonly computed: number;
  /** Branch calls that only the second predicts. */
  readonly predicted: number;
  /** Steps that are predicted in another way, if a branch is predicted in them by either schedule. */
  readonly predictors: readonly PredictorDifference[];
}

/** A step that two schedules predict with different predictors. */
export interface PredictorDifference {
  readonly step: number;
  readonly from: string;
  readonly to: string;
}

/**
 * What changes from one schedule to another.
 *
 * @throws {@link IncompatibleError} if they have another number of steps or branches.
 */
export function diffSchedules(options: {
  readonly from: CacheSchedule;
  readonly to: CacheSchedule;
}): ScheduleDiff {
  const { from, to } = options;
  assertSameSize(from, to);
  const before = scheduleDecisions(from);
  const decisions = scheduleDecisions(to).flatMap((row, step) =>
    row.flatMap((computed, branch): ScheduleDifference[] =>
      computed === before[step]?.[branch]
        ? []
        : [{ step, branch, becomes: computed ? 'computed' : 'predicted' }],
    ),
  );
  const computed = decisions.filter(({ becomes }) => becomes === 'computed').length;
  const predicted = decisions.length - computed;
  return { decisions, computed, predicted, predictors: predictorDifferences(from, to) };
}

function predictorDifferences(
  from: CacheSchedule,
  to: CacheSchedule,
): readonly PredictorDifference[] {
  return from.table.flatMap((row, step) => {
    const isPredicted = row.includes('0') || to.table[step]?.includes('0');
    const difference = { step, from: predictorAt(from, step), to: predictorAt(to, step) };
    return isPredicted && difference.from !== difference.to ? [difference] : [];
  });
}

function predictorAt({ predictor }: CacheSchedule, step: number): string {
  return typeof predictor === 'string' ? predictor : (predictor[step] as string);
}

function assertSameSize(from: CacheSchedule, to: CacheSchedule): void {
  const sizeOf = ({ steps, branches }: CacheSchedule) => `${steps} steps x ${branches} branches`;
  if (sizeOf(from) === sizeOf(to)) return;
  throw new IncompatibleError({
    what: 'The size of the second schedule',
    actual: sizeOf(to),
    expected: sizeOf(from),
    fix: 'Move one to the number of steps of the other with resampleSchedule.',
  });
}
