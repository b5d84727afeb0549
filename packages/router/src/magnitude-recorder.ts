import type { CacheMethod } from '@harmonica/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { RecordedMagnitudes } from './mag-cache-schedule.js';
import { magnitudeRatio } from './magnitude-ratio.js';
import { createStepRecorder, meanOverRuns, recordedRuns } from './step-recorder.js';

/** Records the magnitudes of branch outputs while sampling goes on uncached. */
export interface MagnitudeRecorder {
  /** For `generate({ cache })`, in as many runs as wanted: computes everything and looks on. */
  readonly cache: CacheMethod;
  /**
   * The mean over all runs that came to their end.
   *
   * @throws {@link InvalidArgumentError} if there is none.
   */
  recorded(): RecordedMagnitudes;
}

/**
 * The calibration of MagCache: by which factor the token vectors of every branch output grow from step to step. Holds
 * one output of every branch as a tensor of the current TensorFlow.js backend.
 */
export function createMagnitudeRecorder(): MagnitudeRecorder {
  const recorder = createStepRecorder(({ spec }) => ({
    branches: spec.branches.map(({ index }) => index),
    modelOutput: false,
    lookback: 1,
    measure: (current, [previous]) => ratiosTo(current, previous),
  }));
  return {
    cache: recorder.cache,
    recorded() {
      const runs = recordedRuns(recorder);
      const ratios = meanOverRuns(runs);
      return { steps: ratios.length, runs: runs.length, ratios };
    },
  };
}

async function ratiosTo(
  current: readonly Tensor[],
  previous: readonly Tensor[] | undefined,
): Promise<readonly number[]> {
  const ratios: number[] = [];
  for (const [branch, output] of current.entries()) {
    const before = previous?.[branch];
    ratios.push(before ? await magnitudeRatio(output, before) : 1);
  }
  return ratios;
}
