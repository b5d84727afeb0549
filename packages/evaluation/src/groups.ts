import { InvalidArgumentError, type LongCallOptions } from '@harmonica/core';
import { timedOn } from '@harmonica/pipeline';
import { isWholeSetting } from '@harmonica/router';
import type { EvalConfig, GroupConfig, KnobConfig, RowConfig } from './config.js';
import { remembered } from './memo.js';
import { distinctRows, type EvalRow, type MissedTarget, type RowLatency } from './row.js';
import { type EvalContext, policySpecOf, resolveRow, rowAt, uncachedRow } from './rows.js';
import { type Share, shareName } from './share.js';
import { promisedSpeedUp, timeRows } from './speed.js';

/** Options of {@link resolveRows}. */
interface ResolveRowsOptions extends LongCallOptions {
  readonly config: EvalConfig;
  readonly evaluation: EvalContext;
  /** The run of many steps that images are compared with, if there is one. */
  readonly target?: EvalRow | undefined;
  /** Where measured speed-ups are kept. */
  readonly folder: string;
  /** Of several processes, none of which may time anything while the others work. Default: there is but one. */
  readonly share?: Share | undefined;
}

/**
 * Throws if the policy of a row, at any value of its knob, is none that there is. Needs no model, so that it is known
 * before one is loaded.
 *
 * @throws as `parsePolicySpec`
 */
export function checkPolicies({ groups }: Pick<EvalConfig, 'groups'>): void {
  for (const row of groups.flatMap(({ rows }) => rows)) {
    const values = knobValues(row);
    const rows = values.length > 0 ? values.map((value) => rowAt(row, value)) : [row];
    for (const each of rows) policySpecOf(each);
  }
}

/** Timed rounds for each value that a knob is tried at. */
const TUNING_REPEATS = 3;

/**
 * All rows of all groups, of each the uncached run first. Every row is checked before the first knob is tuned. Rows that are
 * the same as one before, such as one setting that is nearest to two speed-ups, are left out.
 *
 * @throws as `createPlan`, `parsePolicySpec` and `policyFrom` for a row that is not possible
 * @throws {@link InvalidArgumentError} if a knob has to be timed beside other shares
 */
export async function resolveRows(
  options: ResolveRowsOptions,
): Promise<{ readonly rows: readonly EvalRow[]; readonly missed: readonly MissedTarget[] }> {
  const { config, evaluation, target } = options;
  const checked: { group: GroupConfig; uncached: EvalRow }[] = [];
  for (const group of config.groups) {
    const uncached = await uncachedRow(evaluation, group);
    checked.push({ group, uncached: { ...uncached, group: group.name ?? uncached.name, target } });
    for (const row of group.rows) await resolveRow(evaluation, { group, row: slowestOf(row) });
  }
  const rows: EvalRow[] = [];
  const missed: MissedTarget[] = [];
  for (const { group, uncached } of checked) {
    const found: EvalRow[] = [uncached];
    const { group: name } = uncached;
    for (const given of group.rows) {
      for (const speedUp of given.knob ? (group.speedUps ?? []) : [undefined]) {
        const row =
          speedUp === undefined
            ? await resolveRow(evaluation, { group, row: given })
            : await tuneRow({ ...options, group, uncached, row: given, speedUp });
        if ('plan' in row) found.push({ ...row, group: name, uncached, target });
        else missed.push({ ...row, group: name });
      }
    }
    rows.push(...distinctRows(found));
  }
  return { rows, missed };
}

/** A row with a knob at its slow end, to see whether it is possible at all. */
function slowestOf(row: RowConfig): RowConfig {
  const [first] = knobValues(row);
  return first === undefined ? row : rowAt(row, first);
}

/** The values of a knob, or the ends of its range. */
function knobValues({ knob }: RowConfig): readonly number[] {
  return knob?.values ?? knob?.range ?? [];
}

/** Whether a knob has to be a whole number. */
function isWhole(row: RowConfig, { setting }: NonNullable<RowConfig['knob']>): boolean {
  return setting === 'steps' || isWholeSetting(policySpecOf(slowestOf(row)).policy, setting);
}

async function tuneRow(
  options: ResolveRowsOptions & {
    readonly group: GroupConfig;
    readonly uncached: EvalRow;
    readonly row: RowConfig;
    readonly speedUp: number;
  },
): Promise<EvalRow | Omit<MissedTarget, 'group'>> {
  const { config, evaluation, group, uncached, row: given, speedUp: target, folder } = options;
  const { share, signal, onProgress } = options;
  const knob = given.knob as NonNullable<RowConfig['knob']>;
  const { setting } = knob;
  const images = config.latency ? config.latency.batch : 1;
  const machine = timedOn(evaluation.engine);
  const rowOf = async (value: number): Promise<EvalRow> => ({
    ...(await resolveRow(evaluation, { group, row: rowAt(given, value) })),
    uncached,
  });
  const speedUpAt = async (value: number) => {
    const row = await rowOf(value);
    const make = async () => {
      if (share) throw untuned(share, `${setting} of ${row.method}`);
      const label = `tuning ${row.method}`;
      const settings = { images, repeats: TUNING_REPEATS, signal, onProgress, label };
      const [latency] = await timeRows({ evaluation, rows: [row], ...settings });
      return (latency as RowLatency).speedUp.median;
    };
    return remembered({ folder, key: { rows: [uncached.key, row.key], images, machine }, make });
  };
  const promiseAt = async (value: number) =>
    promisedSpeedUp({ evaluation, row: await rowOf(value), images, signal });
  const isInteger = isWhole(given, knob);
  const found = await tuneKnob({ knob, isInteger, target, promiseAt, speedUpAt });
  const { value, speedUp, isNear } = found;
  const row = await rowOf(value);
  const tuned = { setting, value, target };
  if (!isNear) return { method: row.method, setting, target, value, speedUp };
  return { ...row, name: `${row.name}, for ${target}x`, tuned };
}

function untuned(share: Share, knob: string): InvalidArgumentError {
  return new InvalidArgumentError({
    argument: 'share',
    value: shareName(share),
    expected: `none before ${knob} is tuned, which needs the machine for itself`,
    fix: 'Run without shares until it samples, or give the row a value instead of a knob.',
  });
}

/** Options of {@link tuneKnob}. */
interface TuneKnobOptions {
  readonly knob: KnobConfig;
  /** Whether only whole numbers are values of the setting. Default false. */
  readonly isInteger?: boolean;
  /** Above 1. */
  readonly target: number;
  /** The speed-up that a value promises, without timing. Larger, as a rule, towards the end of the knob. */
  readonly promiseAt: (value: number) => Promise<number>;
  /** Measures the speed-up at a value. */
  readonly speedUpAt: (value: number) => Promise<number>;
}

/** A value of a knob, and how fast it was found to be. */
interface TunedValue {
  readonly value: number;
  readonly speedUp: number;
  /** Whether it is near enough to the target to stand in one line with rows that reach it. */
  readonly isNear: boolean;
}

/** Halvings of a range: enough for a hundredth of it. */
const HALVINGS = 7;
/** Of the values that are tried, for people who read them. */
const DIGITS = 4;
/** Values that are timed at most. */
const ROUNDS = 3;
/** Relative distance from the target at which a search ends. */
const NEAR = 0.02;
/** Largest ratio between a target and what stands for it, as a logarithm. */
const LARGEST_MISS = Math.log(1.1);

/**
 * The value of a knob whose measured speed-up is nearest to a target. Timing is slow and noisy, so that values are found
 * by what they promise; the one found is timed, and the search goes on for a promise that is as much larger as the
 * measurement fell short.
 */
export async function tuneKnob(options: TuneKnobOptions): Promise<TunedValue> {
  const { knob, isInteger = false, target } = options;
  const promiseAt = rememberedCalls(options.promiseAt);
  const speedUpAt = rememberedCalls(options.speedUpAt);
  const missOf = (speedUp: number) => Math.abs(Math.log(speedUp / target));
  let best: TunedValue | undefined;
  let promise = target;
  for (let round = 0; round < ROUNDS; round++) {
    const value = await valueFor({ knob, isInteger, wanted: promise, promiseAt });
    const speedUp = await speedUpAt(value);
    const miss = missOf(speedUp);
    if (!best || miss < missOf(best.speedUp)) {
      best = { value, speedUp, isNear: miss <= LARGEST_MISS };
    }
    if (miss < NEAR) break;
    promise *= target / speedUp;
  }
  return best as TunedValue;
}

type Measure = (value: number) => Promise<number>;

function rememberedCalls(measure: Measure): Measure {
  const known = new Map<number, Promise<number>>();
  return (value) => {
    const result = known.get(value) ?? measure(value);
    known.set(value, result);
    return result;
  };
}

/** The value that promises most nearly what is wanted. */
async function valueFor(input: {
  readonly knob: KnobConfig;
  readonly isInteger: boolean;
  readonly wanted: number;
  readonly promiseAt: Measure;
}): Promise<number> {
  const { knob, isInteger, wanted, promiseAt } = input;
  const { values, range } = knob;
  if (values) return nearestValue(values, wanted, promiseAt);
  const rounded = (value: number) =>
    isInteger ? Math.round(value) : Number(value.toPrecision(DIGITS));
  let [low, high] = range as readonly [number, number];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = rounded((low + high) / 2);
    if (middle === low || middle === high) break;
    if ((await promiseAt(middle)) < wanted) low = middle;
    else high = middle;
  }
  return nearestValue([low, high], wanted, promiseAt);
}

async function nearestValue(
  values: readonly number[],
  wanted: number,
  promiseAt: Measure,
): Promise<number> {
  let nearest = { value: Number.NaN, miss: Number.POSITIVE_INFINITY };
  for (const value of values) {
    const miss = Math.abs(Math.log((await promiseAt(value)) / wanted));
    if (miss < nearest.miss) nearest = { value, miss };
  }
  return nearest.value;
}
