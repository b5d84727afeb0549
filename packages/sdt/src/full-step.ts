import {
  advanceRun,
  disposeRunState,
  type RoutedRun,
  type RunState,
  startRun,
} from '@harmonica/iepo';
import type { Tensor4D } from '@tensorflow/tfjs-core';

/** A latent and the step of the plan that it stands before. */
export interface FullStepOptions {
  /** Not disposed. */
  readonly latent: Tensor4D;
  readonly index: number;
}

/** The state after a step that computes every branch, with an empty cache before it. The caller disposes it. */
export async function fullStep(
  run: RoutedRun,
  { latent, index }: FullStepOptions,
): Promise<RunState> {
  const start = startRun(run, latent);
  const scores = run.executor.spec.branches.map(() => 1);
  try {
    const { state, output } = await advanceRun({ run, state: start, index, scores });
    output.dispose();
    return state;
  } finally {
    disposeRunState(run, start);
  }
}
