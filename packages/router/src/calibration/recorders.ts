import { assertCount, type CacheMethod } from '@harmonica/core';
import { add, div, mean, norm, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { readResidual, relativeChange } from '../run/relative-change.js';
import type { RecordedChanges, RecordedMagnitudes } from './calibration.js';
import { createStepRecorder, meanOverRuns, readOutputs, recordedRuns } from './step-recorder.js';

/** Records numbers about steps while sampling goes on uncached. */
export interface Recorder<Recorded> {
  /** For `generate({ cache })`, in as many runs as wanted: computes everything and looks on. */
  readonly cache: CacheMethod;
  /**
   * What all runs that came to their end told.
   *
   * @throws {@link InvalidArgumentError} if there is none.
   */
  recorded(): Recorded;
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
  const recorder = createStepRecorder((executor) => ({
    branches: executor.spec.branches.map(({ index }) => index),
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
  }));
  return {
    cache: recorder.cache,
    recorded() {
      const runs = recordedRuns(recorder);
      return { runs: runs.length, ...toChanges({ mean: meanOverRuns(runs), lookback }) };
    },
  };
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

/**
 * The calibration of MagCache, the mean over runs: by which factor the token vectors of what all branches together add to the tokens grow
 * from step to step, and those of every branch output. Holds one output of every branch as a tensor of the current
 * TensorFlow.js backend.
 */
export function createMagnitudeRecorder(): Recorder<RecordedMagnitudes> {
  const recorder = createStepRecorder((executor) => ({
    branches: executor.spec.branches.map(({ index }) => index),
    async *observe(step) {
      yield await readResidual({ executor, ...step });
      yield* readOutputs(executor, step);
    },
    lookback: 1,
    measure: async (current, [previous]) =>
      previous ? comparedWith(previous, current, magnitudeRatio) : current.map(() => 1),
  }));
  return {
    cache: recorder.cache,
    recorded() {
      const runs = recordedRuns(recorder);
      const mean = meanOverRuns(runs);
      return {
        steps: mean.length,
        runs: runs.length,
        ratios: mean.map(([ratio]) => ratio as number),
        branchRatios: mean.map(([, ...ratios]) => ratios),
      };
    },
  };
}

/** A number for each tensor and what it was in the step before. */
async function comparedWith(
  previous: readonly Tensor[],
  current: readonly Tensor[],
  compare: (value: Tensor, base: Tensor) => Promise<number>,
): Promise<readonly number[]> {
  const numbers: number[] = [];
  for (const [i, base] of previous.entries())
    numbers.push(await compare(current[i] as Tensor, base));
  return numbers;
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

/** What TeaCache's polynomial is fitted to: a point for each step but the first of each run. */
export interface TeaCachePairs {
  /** Relative L1 change of the first branch's input, norm and modulation applied, since the step before. */
  readonly x: readonly number[];
  /** Relative L1 change of the model output since the step before. */
  readonly y: readonly number[];
}

/** The calibration of TeaCache, for `fitPolynomial`. The model output is worked out once more in each step. */
export function createTeaCacheRecorder(): Recorder<TeaCachePairs> {
  const recorder = createStepRecorder((executor) => ({
    branches: [],
    async *observe({ before, after }) {
      yield await executor.readStream(before, 0);
      yield await executor.end(after);
    },
    lookback: 1,
    measure: (current, [previous = []]) => comparedWith(previous, current, relativeChange),
  }));
  return {
    cache: recorder.cache,
    recorded() {
      const points = recordedRuns(recorder).flatMap((run) => run.slice(1));
      return { x: points.map(([x]) => x as number), y: points.map(([, y]) => y as number) };
    },
  };
}
