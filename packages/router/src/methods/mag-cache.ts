import { assertArgument, assertCount, type Branch, type CacheSchedule } from '@harmonica/core';
import { add, div, mean, norm, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { assertRecorded, calibrationKind, type Recorder } from '../calibration/calibration.js';
import {
  comparedWith,
  createStepRecorder,
  meanOverRuns,
  readOutputs,
} from '../calibration/step-recorder.js';
import { readResidual } from '../run/relative-change.js';
import {
  createSchedule,
  GRANULARITIES,
  type Granularity,
  groupMeans,
  type ScheduleDetails,
} from '../schedule/schedule.js';
import {
  cachingMethod,
  calibrationIn,
  calibrationOrigin,
  fileName,
  predicting,
  wholeNumber,
} from './method.js';

/** How magnitudes change from step to step of an uncached run. Plain data. */
export interface RecordedMagnitudes {
  /** Sampling steps T. */
  readonly steps: number;
  /** How many runs the numbers are the mean of. */
  readonly runs: number;
  /**
   * `[T]`: `gamma_i = mean over tokens of |R(i)| / |R(i - 1)|`, with Euclidean norms over the width, of what all branches
   * together add to the tokens, R. The first is 1.
   */
  readonly ratios: readonly number[];
  /** `[T][N]`: the same of every branch output. */
  readonly branchRatios: readonly (readonly number[])[];
}

/**
 * The calibration of MagCache, the mean over runs: by which factor the token vectors of what all branches together add to the tokens grow
 * from step to step, and those of every branch output. Holds one output of every branch as a tensor of the current
 * TensorFlow.js backend.
 */
export function createMagnitudeRecorder(): Recorder<RecordedMagnitudes> {
  return createStepRecorder({
    createMeasure: (executor) => ({
      keepsOutputs: true,
      async *observe(step) {
        yield await readResidual({ executor, ...step });
        yield* readOutputs(executor, step);
      },
      lookback: 1,
      measure: async (current, [previous]) =>
        previous ? comparedWith(previous, current, magnitudeRatio) : current.map(() => 1),
    }),
    summarize(runs) {
      const mean = meanOverRuns(runs);
      return {
        steps: mean.length,
        runs: runs.length,
        ratios: mean.map(([ratio]) => ratio as number),
        branchRatios: mean.map(([, ...ratios]) => ratios),
      };
    },
  });
}

/** Keeps tokens that are all zeros from dividing by 0, as in diffusers. */
const EPSILON = 1e-8;

/**
 * How much longer the token vectors of one tensor are than those of another: the mean over batch and tokens of
 * `|value| / (|base| + 1e-8)`, with Euclidean norms over the last axis.
 *
 * @param value `[B, L, D]`. Not disposed.
 * @param base of the same shape. Not disposed.
 */
export async function magnitudeRatio(value: Tensor, base: Tensor): Promise<number> {
  const ratio = tidy(() =>
    mean(div(norm(value, 'euclidean', -1), add(norm(base, 'euclidean', -1), EPSILON))),
  );
  const [result] = await ratio.data();
  ratio.dispose();
  return result as number;
}

/** How MagCache is calibrated. */
const calibration = /* @__PURE__ */ calibrationKind({
  method: 'magcache',
  fields: () => ({ ratios: z.array(z.number()), branchRatios: z.array(z.array(z.number())) }),
  recorder: (): Recorder<RecordedMagnitudes> => createMagnitudeRecorder(),
});

/** Options of {@link magCacheSchedule}. */
export interface MagCacheScheduleOptions extends ScheduleDetails {
  /** From `createMagnitudeRecorder`. */
  readonly recorded: RecordedMagnitudes;
  /** `spec.branches` of the backbone. */
  readonly branches: readonly Branch[];
  /** Sampling steps T. Default those of the record; for another number its rows are resampled, nearest first. */
  readonly steps?: number;
  /** Largest accumulated error, at least 0. Default 0.06, as in diffusers; official for FLUX 0.24. */
  readonly threshold?: number;
  /** Most steps predicted in a row, K, an integer of at least 0. Default 3, as in diffusers; official for FLUX 5. */
  readonly maxSkips?: number;
  /** Fraction of the steps at the start that compute everything, in [0, 1]. Default 0.2; official for FLUX 0.1. */
  readonly retention?: number;
  /**
   * Which branches are decided together: all by the ratios of what they add together (`model`, default, as published), or
   * those of a kind by the mean of their own, or each by its own.
   */
  readonly per?: Granularity;
}

/**
 * MagCache (Ma et al. 2025, arXiv 2506.09045), worked out ahead: predicts while the magnitudes recorded in calibration
 * say that the accumulated error is small.
 *
 *     ratio *= gamma_i;  n += 1;  error += |1 - ratio|
 *     predict if error <= threshold and n <= K, otherwise compute and start again from ratio 1, n 0, error 0
 *
 * The published method then adds what all blocks together added in the last computed step; here each branch is predicted
 * by itself, and joins with the gate of its step.
 *
 * @throws {@link InvalidArgumentError} if the record does not fit the branches, or a number is outside its range.
 */
export function magCacheSchedule(options: MagCacheScheduleOptions): CacheSchedule {
  const {
    recorded,
    branches,
    steps = recorded.steps,
    per = 'model',
    predictor,
    provenance,
  } = options;
  const { threshold = 0.06, maxSkips = 3, retention = 0.2 } = options;
  assertCount({ argument: 'steps', value: steps });
  assertCount({ argument: 'maxSkips', value: maxSkips, least: 0 });
  assertArgument({ threshold }, 'a number in [0, infinity)', threshold >= 0);
  assertArgument({ retention }, 'a number in [0, 1]', retention >= 0 && retention <= 1);
  assertRatios(recorded, branches);
  const firstSkip = Math.max(1, Math.floor(retention * steps + 0.5));
  const columns = ratioColumns({ recorded, branches, per }).map((ratios) =>
    walk({ ratios: nearest({ values: ratios, count: steps }), firstSkip, threshold, maxSkips }),
  );
  const decisions = Array.from({ length: steps }, (_, step) =>
    columns.map((column) => column[step] === true),
  );
  return createSchedule({ decisions, predictor, provenance });
}

/** For each branch the ratios that it is decided by, `[N][T]`. */
function ratioColumns(options: {
  readonly recorded: RecordedMagnitudes;
  readonly branches: readonly Branch[];
  readonly per: Granularity;
}): readonly (readonly number[])[] {
  const { recorded, branches, per } = options;
  if (per === 'model') return branches.map(() => recorded.ratios);
  return groupMeans({ values: recorded.branchRatios, branches, per });
}

/** Whether each step computes. */
function walk(options: {
  readonly ratios: readonly number[];
  readonly firstSkip: number;
  readonly threshold: number;
  readonly maxSkips: number;
}): readonly boolean[] {
  const { ratios, firstSkip, threshold, maxSkips } = options;
  const fresh = { ratio: 1, skips: 0, error: 0 };
  let run = fresh;
  return ratios.map((gamma, step) => {
    if (step < firstSkip) return true;
    const ratio = run.ratio * gamma;
    run = { ratio, skips: run.skips + 1, error: run.error + Math.abs(1 - ratio) };
    const computes = run.error > threshold || run.skips > maxSkips;
    if (computes) run = fresh;
    return computes;
  });
}

/** Values at evenly spaced places from the first to the last, each the nearest one. */
function nearest(options: {
  readonly values: readonly number[];
  readonly count: number;
}): readonly number[] {
  const { values, count } = options;
  const scale = count > 1 ? (values.length - 1) / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => values[Math.round(i * scale)] as number);
}

function assertRatios(recorded: RecordedMagnitudes, branches: readonly Branch[]): void {
  const { steps: rows, ratios, branchRatios: values } = recorded;
  assertRecorded({
    argument: 'recorded.ratios',
    values: ratios.map((ratio) => [ratio]),
    rows,
    columns: 1,
  });
  const columns = branches.length;
  assertRecorded({ argument: 'recorded.branchRatios', values, rows, columns });
}

/** {@link magCacheSchedule} of a calibration. */
export const magCache = /* @__PURE__ */ cachingMethod({
  name: 'magcache',
  summary: 'MagCache: steps are predicted while recorded magnitudes promise a small error',
  settings: () => ({
    file: fileName(),
    threshold: z.number().exactOptional(),
    maxSkips: wholeNumber().exactOptional(),
    retention: z.number().exactOptional(),
    per: z.enum(GRANULARITIES).exactOptional(),
    ...predicting(),
  }),
  firstSetting: 'file',
  calibration,
  async make(settings, context) {
    const recorded = await calibrationIn(settings.file, calibration, context);
    const { branches } = context.spec;
    return magCacheSchedule({ ...settings, recorded, branches, provenance: recorded.provenance });
  },
  origin: calibrationOrigin,
});
