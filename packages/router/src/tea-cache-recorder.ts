import type { CacheMethod } from '@harmonica/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { relativeChange } from './relative-change.js';
import { createStepRecorder, recordedRuns } from './step-recorder.js';

/** What TeaCache's polynomial is fitted to: a point for each step but the first of each run. */
export interface TeaCachePairs {
  /** Relative L1 change of the first branch's input, norm and modulation applied, since the step before. */
  readonly x: readonly number[];
  /** Relative L1 change of the model output since the step before. */
  readonly y: readonly number[];
}

/** Records what TeaCache is calibrated by while sampling goes on uncached. */
export interface TeaCacheRecorder {
  /** For `generate({ cache })`, in as many runs as wanted: computes everything and looks on. */
  readonly cache: CacheMethod;
  /**
   * The points of all runs that came to their end.
   *
   * @throws {@link InvalidArgumentError} if there is none.
   */
  pairs(): TeaCachePairs;
}

/** The calibration of TeaCache, for `fitPolynomial`. The model output is worked out once more in each step. */
export function createTeaCacheRecorder(): TeaCacheRecorder {
  const recorder = createStepRecorder((executor) => ({
    branches: [],
    async *observe({ before, after }) {
      yield await executor.readStream(before, 0);
      yield await executor.end(after);
    },
    lookback: 1,
    measure: (current, [previous]) => changesSince(current, previous),
  }));
  return {
    cache: recorder.cache,
    pairs() {
      const points = recordedRuns(recorder).flatMap((run) => run.slice(1));
      return { x: points.map(([x]) => x as number), y: points.map(([, y]) => y as number) };
    },
  };
}

async function changesSince(
  current: readonly Tensor[],
  previous: readonly Tensor[] | undefined,
): Promise<readonly number[]> {
  const changes: number[] = [];
  for (const [i, base] of previous?.entries() ?? []) {
    changes.push(await relativeChange([{ value: current[i] as Tensor, base }]));
  }
  return changes;
}
