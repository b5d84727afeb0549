import type { CacheMethod } from '@harmonica/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { RecordedMagnitudes } from './mag-cache-schedule.js';
import { magnitudeRatio } from './magnitude-ratio.js';
import { createStepRecorder, meanOverRuns, readOutputs, recordedRuns } from './step-recorder.js';
import { readResidual } from './stream-signal.js';

/** Records the magnitudes of what branches add while sampling goes on uncached. */
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
 * The calibration of MagCache: by which factor the token vectors of what all branches together add to the tokens grow
 * from step to step, and those of every branch output. Holds one output of every branch as a tensor of the current
 * TensorFlow.js backend.
 */
export function createMagnitudeRecorder(): MagnitudeRecorder {
  const recorder = createStepRecorder((executor) => ({
    branches: executor.spec.branches.map(({ index }) => index),
    async *observe(step) {
      yield await readResidual({ executor, ...step });
      yield* readOutputs(executor, step);
    },
    lookback: 1,
    measure: (current, [previous]) => ratiosTo(current, previous),
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

async function ratiosTo(
  current: readonly Tensor[],
  previous: readonly Tensor[] | undefined,
): Promise<readonly number[]> {
  const ratios: number[] = [];
  for (const [i, value] of current.entries()) {
    const before = previous?.[i];
    ratios.push(before ? await magnitudeRatio(value, before) : 1);
  }
  return ratios;
}
