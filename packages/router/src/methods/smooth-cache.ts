import {
  assertArgument,
  assertCount,
  type Branch,
  type BranchKind,
  type CacheSchedule,
  ConfigError,
  type Decisions,
  type Provenance,
  parseJson,
} from '@harmonica/core';
import { z } from 'zod';
import {
  assertRecorded,
  calibrationKind,
  isCalibration,
  type Recorder,
} from '../calibration/calibration.js';
import {
  comparedWith,
  createStepRecorder,
  meanOverRuns,
  readOutputs,
} from '../calibration/step-recorder.js';
import { relativeChange } from '../run/relative-change.js';
import { assertScheduleFits } from '../schedule/compatibility.js';
import {
  createSchedule,
  GRANULARITIES,
  type Granularity,
  groupMeans,
  type ScheduleDetails,
  scheduleDecisions,
} from '../schedule/schedule.js';
import {
  assertThreshold,
  cachingMethod,
  calibrationIn,
  calibrationOrigin,
  fileName,
  predicting,
  readText,
  refuse,
  runOf,
} from './method.js';

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

/**
 * The calibration of SmoothCache, the mean over runs: the relative L1 change of every branch output over 1 to `lookback` steps, both halves
 * of a guided batch together. Holds `lookback` outputs of every branch as tensors of the current TensorFlow.js backend.
 *
 * @param options `lookback` is an integer of at least 1; default 3, as published.
 */
export function createChangeRecorder(
  options: { readonly lookback?: number } = {},
): Recorder<RecordedChanges> {
  const { lookback = 3 } = options;
  assertCount({ argument: 'lookback', value: lookback });
  return createStepRecorder({
    createMeasure: (executor) => ({
      keepsOutputs: true,
      observe: (step) => readOutputs(executor, step),
      lookback,
      // The changes of all branches from the step before, then of all from two steps before, and so on.
      async measure(current, earlier) {
        const changes: number[] = [];
        for (const outputs of earlier) {
          changes.push(...(await comparedWith(current, outputs, relativeChange)));
        }
        return changes;
      },
    }),
    summarize: (runs) => ({
      runs: runs.length,
      ...toChanges({ mean: meanOverRuns(runs), lookback }),
    }),
  });
}

/** From rows by the later step to rows by the earlier one. */
function toChanges(options: {
  readonly mean: readonly (readonly number[])[];
  readonly lookback: number;
}): Pick<RecordedChanges, 'steps' | 'changes'> {
  const { mean, lookback } = options;
  const steps = mean.length;
  const branches = mean[1]?.length ?? 0;
  const changes = Array.from({ length: lookback }, (_, i) =>
    mean.slice(i + 1).map((row) => row.slice(i * branches, (i + 1) * branches)),
  );
  return { steps, changes };
}

/** How SmoothCache is calibrated. */
const calibration = /* @__PURE__ */ calibrationKind({
  method: 'smoothcache',
  fields: () => ({ changes: z.array(z.array(z.array(z.number()))).min(1) }),
  recorder: ({ lookback }): Recorder<RecordedChanges> =>
    createChangeRecorder(lookback === undefined ? {} : { lookback }),
});

/** Options of {@link smoothCacheSchedule}. */
export interface SmoothCacheScheduleOptions extends ScheduleDetails {
  /** From `createChangeRecorder`; its lookback bounds how many steps in a row are predicted. */
  readonly recorded: RecordedChanges;
  /** `spec.branches` of the backbone. */
  readonly branches: readonly Branch[];
  /** Largest change that is let pass, at least 0. Published: 0.08 to 0.18 for DiT-XL/2 with 50 steps. */
  readonly threshold: number;
  /** Which branches are decided together, by the mean of their changes. Default `kind`, as published. */
  readonly per?: Granularity;
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
  assertThreshold(threshold);
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

/** What SmoothCache calls a model's components, by kind of branch. */
export type ComponentNames = { readonly [Kind in BranchKind]: string };

/** Names in the official DiT code. */
export const DIT_COMPONENTS: ComponentNames = {
  attention: 'attn',
  'cross-attention': 'cross_attn',
  mlp: 'mlp',
};

/** Names in diffusers' `BasicTransformerBlock`. */
export const DIFFUSERS_COMPONENTS: ComponentNames = {
  attention: 'attn1',
  'cross-attention': 'attn2',
  mlp: 'ff',
};

/** Options of {@link parseSmoothCacheSchedule}. */
export interface ParseSmoothCacheOptions {
  readonly text: string;
  /** File name or what the text is, for messages. Default `SmoothCache schedule`. */
  readonly source?: string;
  /** `spec.branches` of the backbone. */
  readonly branches: readonly Branch[];
  /** Default {@link DIT_COMPONENTS}. */
  readonly components?: ComponentNames;
  readonly provenance?: Provenance;
}

/**
 * Reads a schedule file of the official SmoothCache code: an object from component (`attn`), or component and block
 * (`attn-3`, which goes before), to a list of 1 (compute) and 0 (reuse), one number a step. Components that it does not
 * name are computed in every step, and so is step 0, as the official code does.
 *
 * @throws {@link ConfigError} if the text is not such a file, lists differ in length, or a key names no branch.
 */
export function parseSmoothCacheSchedule(options: ParseSmoothCacheOptions): CacheSchedule {
  const { text, source = 'SmoothCache schedule', branches, components = DIT_COMPONENTS } = options;
  const flag = z.union([z.literal(0), z.literal(1)]);
  const lists = parseJson({ source, text, schema: z.record(z.string(), z.array(flag).min(1)) });
  assertKeys({ source, lists, branches, components });
  const columns = branches.map(
    (branch) => lists[blockKey(branch, components)] ?? lists[components[branch.kind]],
  );
  const steps = Object.values(lists)[0]?.length ?? 0;
  const decisions = Array.from({ length: steps }, (_, step) =>
    columns.map((column) => step === 0 || column?.[step] !== 0),
  );
  return createSchedule({ decisions, provenance: options.provenance });
}

/**
 * Writes a schedule as the official SmoothCache code reads it, one line a component; components whose blocks are decided
 * differently have a line for each block. It reuses the last computed output, so only `hold` can be written.
 *
 * @throws {@link InvalidArgumentError} if the schedule has another predictor or another number of branches.
 */
export function formatSmoothCacheSchedule(options: {
  readonly schedule: CacheSchedule;
  /** `spec.branches` of the backbone. */
  readonly branches: readonly Branch[];
  /** Default {@link DIT_COMPONENTS}. */
  readonly components?: ComponentNames;
}): string {
  const { schedule, branches, components = DIT_COMPONENTS } = options;
  assertArgument(
    { 'schedule.predictor': schedule.predictor },
    'hold, the only one that SmoothCache has',
    [schedule.predictor].flat().every((name) => name === 'hold'),
  );
  assertArgument(
    { branches: branches.length },
    `the ${schedule.branches} branches of the schedule`,
    schedule.branches === branches.length,
  );
  const decisions = scheduleDecisions(schedule);
  const columnOf = ({ index }: Branch) => listOf(decisions, index);
  const kinds = [...new Set(branches.map(({ kind }) => kind))];
  const lines = kinds.flatMap((kind) => {
    const members = branches.filter((branch) => branch.kind === kind);
    const [first, ...others] = [...new Set(members.map(columnOf))];
    if (others.length === 0) return [`"${components[kind]}": ${first}`];
    return members.map((branch) => `"${blockKey(branch, components)}": ${columnOf(branch)}`);
  });
  return `{\n${lines.map((line) => `    ${line}`).join(',\n')}\n}\n`;
}

function blockKey({ kind, block }: Branch, components: ComponentNames): string {
  return `${components[kind]}-${block}`;
}

function listOf(decisions: readonly Decisions[], branch: number): string {
  return `[${decisions.map((row) => (row[branch] ? 1 : 0)).join(',')}]`;
}

function assertKeys(options: {
  readonly source: string;
  readonly lists: Readonly<Record<string, readonly number[]>>;
  readonly branches: readonly Branch[];
  readonly components: ComponentNames;
}): void {
  const { source, lists, branches, components } = options;
  const known = new Set(
    branches.flatMap((branch) => [components[branch.kind], blockKey(branch, components)]),
  );
  const entries = Object.entries(lists);
  const steps = entries[0]?.[1].length;
  const issues = entries.flatMap(([path, list]) => [
    ...(known.has(path) ? [] : [{ path, message: 'names no branch of the model' }]),
    ...(list.length === steps ? [] : [{ path, message: `has ${list.length} of ${steps} steps` }]),
  ]);
  if (entries.length === 0) issues.push({ path: '', message: 'expected at least one component' });
  if (issues.length > 0) throw new ConfigError({ source, issues });
}

/** {@link smoothCacheSchedule} of a calibration, or a schedule file of the official code. */
export const smoothCache = /* @__PURE__ */ cachingMethod({
  name: 'smoothcache',
  summary: 'SmoothCache: steps are predicted while recorded changes are small',
  settings: () => ({
    file: fileName(),
    /** Of a calibration, which needs it. */
    threshold: z.number().exactOptional(),
    /** Of a calibration. */
    per: z.enum(GRANULARITIES).exactOptional(),
    /** Names in an official file: those of the DiT code or of diffusers. Default `dit`. */
    components: z.enum(['dit', 'diffusers']).exactOptional(),
    ...predicting(),
  }),
  firstSetting: 'file',
  calibration,
  async make(settings, context) {
    const { file, threshold, components, predictor } = settings;
    const { branches } = context.spec;
    const text = await readText(file, context);
    if (isCalibration(text, file)) {
      refuse({ components }, 'a calibration', 'schedule file of the official code');
      const recorded = await calibrationIn(file, calibration, context);
      assertArgument(
        { threshold },
        'the largest change to let pass, such as 0.1',
        threshold !== undefined,
        `A calibration needs it: smoothcache:${file},threshold=0.1.`,
      );
      const { provenance } = recorded;
      return smoothCacheSchedule({ ...settings, threshold, recorded, branches, provenance });
    }
    refuse({ threshold, per: settings.per }, 'a schedule file of the official code', 'calibration');
    const schedule = parseSmoothCacheSchedule({
      text,
      source: file,
      branches,
      components: components === 'diffusers' ? DIFFUSERS_COMPONENTS : DIT_COMPONENTS,
    });
    assertScheduleFits(schedule, { spec: context.spec, steps: runOf(context).steps });
    return predictor ? { ...schedule, predictor } : schedule;
  },
  origin: calibrationOrigin,
});
