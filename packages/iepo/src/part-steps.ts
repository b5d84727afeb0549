import { type CachePredictor, throwIfAborted } from '@harmonica/core';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { OwnedRuns } from './owned-runs.js';
import { advanceRun, type RoutedRun, type RunState } from './routed-run.js';

/** How a step is taken. */
export interface StepSettings {
  readonly scores: readonly number[];
  /** Default: the run's. */
  readonly predictor?: CachePredictor;
  /** As {@link AdvanceRunOptions.kept}. */
  readonly kept?: readonly boolean[];
}

/** How each step is taken. */
export type StepsAfter = (step: number) => StepSettings;

/** The run of one part of a batch. */
export interface PartRun {
  readonly run: RoutedRun;
  /** Owns what is made. */
  readonly owned: OwnedRuns;
  readonly signal?: AbortSignal;
}

/** A step of one part. */
export interface PartStep extends StepSettings {
  /** Not freed. */
  readonly from: RunState;
  readonly index: number;
}

/**
 * The state after one more step, and the guided model output of that step.
 *
 * @throws {@link AbortedError} if `signal` is aborted
 */
export async function takeStep({ run, owned, signal }: PartRun, step: PartStep) {
  throwIfAborted(signal, 'The lambda refresh');
  const { from, predictor = run.predictor, ...settings } = step;
  const result = await advanceRun({ run: { ...run, predictor }, state: from, ...settings });
  return { state: owned.state(run, result.state), output: owned.tensor(result.output) };
}

/** Where the last steps of a part begin, and how they are taken. */
export interface LastSteps {
  /** Freed. */
  readonly from: RunState;
  readonly index: number;
  readonly after: StepsAfter;
}

/** The final latent when steps `index` and later are taken as `after` has them. */
export async function takeLastSteps(
  part: PartRun,
  { from, index, after }: LastSteps,
): Promise<Tensor4D> {
  const { run, owned } = part;
  let state = from;
  for (let u = index; u < run.plan.steps.length; u++) {
    const next = await takeStep(part, { from: state, index: u, ...after(u) });
    owned.free(next.output, state);
    state = next.state;
  }
  const final = owned.tensor(state.plan.latent.clone());
  owned.free(state);
  return final;
}
