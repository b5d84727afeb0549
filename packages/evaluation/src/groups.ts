import { InvalidArgumentError, type LongCallOptions } from '@harmonica/core';
import { timedOn } from '@harmonica/pipeline';
import { isWholeSetting } from '@harmonica/router';
import type { EvalConfig, GroupConfig, KnobConfig, RowConfig } from './config.js';
import type { MissedTarget, TunedTo } from './result.js';
import {
  type EvalContext,
  type EvalRow,
  policySpecOf,
  resolveRow,
  rowAt,
  uncachedRow,
} from './rows.js';
import { remembered } from './shards.js';
import { type Share, shareName } from './share.js';
import { promisedSpeedUp, type RowLatency, timeRows } from './speed.js';

/** Rows and the uncached run that they are held against. */
export interface EvalGroup {
  readonly name: string;
  readonly uncached: EvalRow;
  readonly rows: readonly TunedRow[];
  readonly missed: readonly MissedTarget[];
}

/** A row, and what its knob was tuned to if it has one. */
export interface TunedRow {
  readonly row: EvalRow;
  readonly tuned: TunedTo | null;
}

/** Options of {@link resolveGroups}. */
interface ResolveGroupsOptions extends LongCallOptions {
  readonly config: EvalConfig;
  readonly evaluation: EvalContext;
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
 * All rows of all groups. Every row is checked before the first knob is tuned.
 *
 * @throws as `createPlan`, `parsePolicySpec` and `policyFrom` for a row that is not possible
 * @throws {@link InvalidArgumentError} if a knob has to be timed beside other shares
 */
export async function resolveGroups(options: ResolveGroupsOptions): Promise<readonly EvalGroup[]> {
  const { config, evaluation } = options;
  const checked: { group: GroupConfig; uncached: EvalRow }[] = [];
  for (const group of config.groups) {
    checked.push({ group, uncached: await uncachedRow(evaluation, group) });
    for (const row of group.rows) await resolveRow(evaluation, { group, row: slowestOf(row) });
  }
  const groups: EvalGroup[] = [];
  for (const { group, uncached } of checked) {
    const rows: TunedRow[] = [];
    const missed: MissedTarget[] = [];
    const name = group.name ?? uncached.name;
    for (const row of group.rows) {
      if (!row.knob) {
        rows.push({ row: await resolveRow(evaluation, { group, row }), tuned: null });
        continue;
      }
      for (const target of group.speedUps ?? []) {
        const found = await tuneRow({ ...options, group, uncached, row, target });
        if ('tuned' in found) rows.push(found);
        else missed.push({ ...found, group: name });
      }
    }
    groups.push({ name, uncached, rows: distinctRows(rows, uncached), missed });
  }
  return groups;
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
  options: ResolveGroupsOptions & {
    readonly group: GroupConfig;
    readonly uncached: EvalRow;
    readonly row: RowConfig;
    readonly target: number;
  },
): Promise<TunedRow | Omit<MissedTarget, 'group'>> {
  const {
    config,
    evaluation,
    group,
    uncached,
    row: given,
    target,
    folder,
    signal,
    onProgress,
  } = options;
  const { share } = options;
  const knob = given.knob as NonNullable<RowConfig['knob']>;
  const images = config.latency ? config.latency.batch : 1;
  const rowOf = (value: number) => resolveRow(evaluation, { group, row: rowAt(given, value) });
  const speedUpAt = async (value: number) => {
    const row = await rowOf(value);
    const machine = timedOn(evaluation.engine);
    const key = { rows: [uncached.key, row.key], images, machine };
    const label = `tuning ${row.method}`;
    const make = async () => {
      if (share) throw untuned(share, `${knob.setting} of ${row.method}`);
      const repeats = TUNING_REPEATS;
      const rows = [{ row, uncached }];
      const [latency] = await timeRows({
        evaluation,
        rows,
        images,
        repeats,
        signal,
        onProgress,
        label,
      });
      return (latency as RowLatency).speedUp.median;
    };
    return remembered({ folder, key, make });
  };
  const promiseAt = async (value: number) => {
    const row = await rowOf(value);
    return promisedSpeedUp({ evaluation, row, uncached, images, signal: signal });
  };
  const isInteger = isWhole(given, knob);
  const found = await tuneKnob({ knob, isInteger, target, promiseAt, speedUpAt });
  const { value, speedUp, isNear } = found;
  const { setting } = knob;
  const row = await rowOf(value);
  if (!isNear) return { method: row.method, setting, target, value, speedUp };
  return {
    row: { ...row, name: `${row.name}, for ${target}x` },
    tuned: { setting, value, target },
  };
}

function untuned(share: Share, knob: string): InvalidArgumentError {
  return new InvalidArgumentError({
    argument: '--share',
    value: shareName(share),
    expected: `none before ${knob} is tuned, which needs the machine for itself`,
    fix: 'Run without --share until it samples, or give the row a value instead of a knob.',
  });
}

/** Without rows that are the same as one before, such as one setting that is nearest to two speed-ups. */
function distinctRows(rows: readonly TunedRow[], uncached: EvalRow): readonly TunedRow[] {
  const seen = new Set([uncached.key]);
  return rows.filter(({ row: { key } }) => {
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
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
