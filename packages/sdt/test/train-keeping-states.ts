import type { RouterFile } from '@harmonica/core';
import { trainRouter } from '../src/train-router.js';
import {
  parseTrainingState,
  type TrainingState,
  type TrainRouterOptions,
} from '../src/training-run.js';

/** Trains and keeps the states as they would be read back from files; `onTrajectory` takes their place if it is given. */
export async function trainKeepingStates(
  options: TrainRouterOptions,
): Promise<{ readonly router: RouterFile; readonly states: TrainingState[] }> {
  const states: TrainingState[] = [];
  const onTrajectory = (state: TrainingState) => {
    states.push(parseTrainingState(JSON.stringify(state)));
  };
  return { router: await trainRouter({ onTrajectory, ...options }), states };
}
