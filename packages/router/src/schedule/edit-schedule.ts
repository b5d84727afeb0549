import {
  assertArgument,
  type CacheSchedule,
  IncompatibleError,
  type PredictorChoice,
  type Provenance,
  type SamplerPlan,
} from '@harmonica/core';
import { createProvenance, type RunSetting } from './provenance.js';
import { createSchedule, scheduleDecisions } from './schedule.js';

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
  if (edit.steps) assertRange({ steps }, schedule.steps);
  assertRange({ branches }, schedule.branches);
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

/** Refuses a range, by its name, that is not within so many steps or branches. */
function assertRange(argument: Readonly<Record<string, IndexRange>>, count: number): void {
  const isWithinCount = Object.values(argument).every(
    ([first, last]) =>
      [first, last].every(Number.isInteger) && 0 <= first && first <= last && last < count,
  );
  const expected = `two integers in ascending order, from 0 to ${count - 1}`;
  assertArgument(argument, expected, isWithinCount);
}

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

/** Options of {@link resampleSchedule}. */
export interface ResampleScheduleOptions {
  readonly schedule: CacheSchedule;
  /** The run that the schedule moves to. */
  readonly to: RunSetting;
  /**
   * The plan that the schedule was made for. With it steps are matched by model time; without it by their number, as if
   * both samplers spaced their steps alike.
   */
  readonly from?: Pick<SamplerPlan, 'steps'>;
}

/**
 * Moves a schedule to another number of steps or another sampler. Both runs are laid on one axis of normalised time,
 * from 0 at the first model time to 1 at the last, on which each step has the part that is nearest to it. In every part
 * of the axis each branch keeps the fraction of steps in which it is computed: alternate steps stay alternate when their
 * number is halved, where taking the nearest row would compute all of them or none. Predictors are those of the nearest
 * step.
 *
 * A resampled schedule is a guess, not a result of training, and its provenance says so: `training.resampledFrom` has
 * the sampler and the number of steps that it was made for.
 *
 * @throws {@link IncompatibleError} if the model has another number of branches, or `from` another number of steps than
 * the schedule.
 * @throws {@link InvalidArgumentError} if the model times of a plan neither fall nor rise throughout.
 */
export function resampleSchedule(options: ResampleScheduleOptions): CacheSchedule {
  const { schedule, to, from } = options;
  assertFits(options);
  const source = edgesOf(from, schedule.steps);
  const target = edgesOf(from && to.plan, to.plan.steps.length);
  const overlaps = target.slice(1).map((end, j) =>
    source.slice(1).map((sourceEnd, i) => {
      const start = Math.max(target[j] as number, source[i] as number);
      return Math.max(0, Math.min(end, sourceEnd) - start) / (end - (target[j] as number));
    }),
  );
  const rows = scheduleDecisions(schedule);
  const columns = Array.from({ length: schedule.branches }, (_, branch) => {
    const fractions = overlaps.map((parts) =>
      parts.reduce((fraction, part, i) => fraction + (rows[i]?.[branch] ? part : 0), 0),
    );
    return spread(fractions);
  });
  return createSchedule({
    decisions: overlaps.map((_, step) => columns.map((column) => column[step] === true)),
    predictor: resamplePredictor(schedule.predictor, overlaps),
    provenance: createProvenance({
      ...to,
      training: { ...schedule.provenance?.training, resampledFrom: originOf(schedule) },
    }),
  });
}

/** Rounding of fractions must not make up a computed step. */
const TOLERANCE = 1e-9;

/** Computes a step whenever the sum of the fractions up to its end passes another whole number. */
function spread(fractions: readonly number[]): readonly boolean[] {
  let before = 0;
  return fractions.map((fraction) => {
    const after = before + fraction;
    const isComputed = Math.ceil(after - TOLERANCE) > Math.ceil(before - TOLERANCE);
    before = after;
    return isComputed;
  });
}

function resamplePredictor(
  predictor: PredictorChoice,
  overlaps: readonly (readonly number[])[],
): PredictorChoice {
  if (typeof predictor === 'string') return predictor;
  const largest = (parts: readonly number[]) => parts.indexOf(Math.max(...parts));
  return overlaps.map((parts) => predictor[largest(parts)] as (typeof predictor)[number]);
}

/** Where the part of each step begins and ends on the axis of normalised time, `[T + 1]` from 0 to 1. */
function edgesOf(plan: Pick<SamplerPlan, 'steps'> | undefined, steps: number): readonly number[] {
  if (!plan || steps === 1) return Array.from({ length: steps + 1 }, (_, i) => i / steps);
  const times = plan.steps.map(({ timestep }) => timestep);
  assertMonotone(times);
  const first = times[0] as number;
  const range = (times.at(-1) as number) - first;
  const middles = times
    .slice(1)
    .map((time, i) => ((time + (times[i] as number)) / 2 - first) / range);
  return [0, ...middles, 1];
}

function originOf({ steps, provenance }: CacheSchedule) {
  const { name, planSha256 } = provenance?.sampler ?? {};
  return { steps, ...(name && { sampler: name }), ...(planSha256 && { planSha256 }) };
}

function assertFits({ schedule, to, from }: ResampleScheduleOptions): void {
  const sizes = [
    {
      what: "The schedule's number of branches",
      actual: schedule.branches,
      expected: to.spec.branches.length,
      fix: 'A schedule moves to another sampler, not to another model.',
    },
    {
      what: "The number of steps of the schedule's plan",
      actual: from?.steps.length ?? schedule.steps,
      expected: schedule.steps,
      fix: 'Give the plan that the schedule was made for, or none.',
    },
  ];
  for (const size of sizes) {
    if (size.actual !== size.expected) throw new IncompatibleError(size);
  }
}

function assertMonotone(times: readonly number[]): void {
  const signs = times.slice(1).map((time, i) => Math.sign(time - (times[i] as number)));
  assertArgument(
    { 'timestep of the plan': times },
    'model times that fall, or rise, from step to step',
    signs.every((sign) => sign === signs[0] && sign !== 0),
    'Leave `from` out to match steps by their number.',
  );
}
