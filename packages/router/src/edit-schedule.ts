import { type CacheSchedule, InvalidArgumentError, type Provenance } from '@harmonica/core';
import { createSchedule, scheduleDecisions } from './schedule-table.js';

/** First and last of some steps or branches, both included. */
export type IndexRange = readonly [first: number, last: number];

/** A part of a schedule's table and what it shall hold. */
export interface ScheduleEdit {
  /** Default all but step 0, which is always computed. */
  readonly steps?: IndexRange;
  /** Default all. */
  readonly branches?: IndexRange;
  readonly become: 'computed' | 'predicted';
}

/**
 * A schedule with parts of its table set, one edit after another. If it has a provenance, the edits are added to the
 * list `training.edits` there.
 *
 * @throws {@link InvalidArgumentError} if a range is not within the table, or a branch of step 0 would be predicted.
 */
export function editSchedule(options: {
  readonly schedule: CacheSchedule;
  readonly edits: readonly ScheduleEdit[];
}): CacheSchedule {
  const { schedule, edits } = options;
  const whole = edits.map((edit) => resolve(edit, schedule));
  const decisions = scheduleDecisions(schedule).map((row, step) =>
    row.map((computed, branch) => {
      const last = whole.findLast(
        ({ steps, branches }) => isWithin(step, steps) && isWithin(branch, branches),
      );
      return last ? last.become === 'computed' : computed;
    }),
  );
  return createSchedule({
    decisions,
    predictor: schedule.predictor,
    provenance: schedule.provenance && withEdits(schedule.provenance, whole),
  });
}

function resolve(edit: ScheduleEdit, schedule: CacheSchedule): Required<ScheduleEdit> {
  const { steps = [1, schedule.steps - 1], branches = [0, schedule.branches - 1], become } = edit;
  if (edit.steps) assertRange({ argument: 'steps', range: steps, count: schedule.steps });
  assertRange({ argument: 'branches', range: branches, count: schedule.branches });
  return { steps, branches, become };
}

function isWithin(index: number, [first, last]: IndexRange): boolean {
  return first <= index && index <= last;
}

function withEdits(provenance: Provenance, edits: readonly ScheduleEdit[]): Provenance {
  const { training = {} } = provenance;
  const earlier = Array.isArray(training.edits) ? training.edits : [];
  return { ...provenance, training: { ...training, edits: [...earlier, ...edits] } };
}

function assertRange(check: {
  readonly argument: string;
  readonly range: IndexRange;
  readonly count: number;
}): void {
  const { argument, range, count } = check;
  const [first, last] = range;
  if (range.every(Number.isInteger) && 0 <= first && first <= last && last < count) return;
  throw new InvalidArgumentError({
    argument,
    value: range,
    expected: `two integers in ascending order, from 0 to ${count - 1}`,
  });
}
