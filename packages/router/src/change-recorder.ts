import type { CacheMethod } from '@harmonica/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { assertCount } from './assert-count.js';
import { relativeChange } from './relative-change.js';
import type { RecordedChanges } from './smooth-cache-schedule.js';
import { createStepRecorder, meanOverRuns, readOutputs, recordedRuns } from './step-recorder.js';

/** Records how branch outputs change while sampling goes on uncached. */
export interface ChangeRecorder {
  /** For `generate({ cache })`, in as many runs as wanted: computes everything and looks on. */
  readonly cache: CacheMethod;
  /**
   * The mean over all runs that came to their end.
   *
   * @throws {@link InvalidArgumentError} if there is none.
   */
  recorded(): RecordedChanges;
}

/**
 * The calibration of SmoothCache: the relative L1 change of every branch output over 1 to `lookback` steps, both halves
 * of a guided batch together. Holds `lookback` outputs of every branch as tensors of the current TensorFlow.js backend.
 *
 * @param options `lookback` is an integer of at least 1; default 3, as published.
 */
export function createChangeRecorder(options: { readonly lookback?: number } = {}): ChangeRecorder {
  const { lookback = 3 } = options;
  assertCount({ argument: 'lookback', value: lookback });
  const recorder = createStepRecorder((executor) => ({
    branches: executor.spec.branches.map(({ index }) => index),
    observe: (step) => readOutputs(executor, step),
    lookback,
    measure: (current, earlier) => changesFrom(current, earlier),
  }));
  return {
    cache: recorder.cache,
    recorded() {
      const runs = recordedRuns(recorder);
      return { runs: runs.length, ...toChanges({ mean: meanOverRuns(runs), lookback }) };
    },
  };
}

/** The changes of all branches from the step before, then of all from two steps before, and so on. */
async function changesFrom(
  current: readonly Tensor[],
  earlier: readonly (readonly Tensor[])[],
): Promise<readonly number[]> {
  const changes: number[] = [];
  for (const outputs of earlier) {
    for (const [branch, base] of current.entries()) {
      changes.push(await relativeChange([{ value: outputs[branch] as Tensor, base }]));
    }
  }
  return changes;
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
