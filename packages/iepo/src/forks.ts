import { type CachePredictor, throwIfAborted } from '@harmonica/core';
import { dispose, type Tensor4D } from '@tensorflow/tfjs-core';
import {
  advanceRun,
  disposeRunState,
  type RoutedRun,
  type RunState,
  retainRunState,
  startRun,
} from './routed-run.js';

/** A run whose steps are to be varied. */
export interface LambdaOptions {
  readonly run: RoutedRun;
  /** Initial latent of the run, already scaled by the plan. Not disposed. */
  readonly latent: Tensor4D;
  /** Router scores in force, `[steps][branches]`; row 0 is not read: step 0 computes everything. */
  readonly scores: readonly (readonly number[])[];
  readonly signal?: AbortSignal;
}

/** One step from a state. */
export interface ForkStep {
  readonly from: RunState;
  readonly index: number;
  readonly scores: readonly number[];
  /** Default: the run's. */
  readonly predictor?: CachePredictor;
  /** As {@link AdvanceRunOptions.kept}. */
  readonly kept?: readonly boolean[];
}

/** Continuations of one run from states that they share. What they make is theirs until it is freed. */
export interface Forks {
  /** The state after step 0, which computes every branch. */
  first(): Promise<RunState>;
  /** The state after one more step and the guided model output of that step; `from` stays. */
  fork(step: ForkStep): Promise<{ readonly state: RunState; readonly output: Tensor4D }>;
  /** The state after one more step; `from` is freed. */
  move(step: ForkStep): Promise<RunState>;
  /** The final latent when steps `index` and later are run with `scoresOf`; `from` is freed. */
  finish(from: RunState, index: number, scoresOf: ScoresOf): Promise<Tensor4D>;
  /** The same when they compute everything; they cache nothing. */
  finishUncached(from: RunState, index: number): Promise<Tensor4D>;
  /** A second owner of a state. */
  share(state: RunState): RunState;
  free(...things: readonly (RunState | Tensor4D)[]): void;
}

/** The scores of a step. */
export type ScoresOf = (step: number) => readonly number[];

/** Gives `body` the forks of a run; whatever it has not freed is freed when it ends, fails or is aborted. */
export async function withForks<T>(
  { run, latent, signal }: LambdaOptions,
  body: (forks: Forks) => Promise<T>,
): Promise<T> {
  const states = new Set<RunState>();
  const tensors = new Set<Tensor4D>();
  const own = (state: RunState): RunState => {
    states.add(state);
    return state;
  };
  const free: Forks['free'] = (...things) => {
    for (const thing of things) {
      if ('plan' in thing) {
        if (states.delete(thing)) disposeRunState(run, thing);
      } else if (tensors.delete(thing)) thing.dispose();
    }
  };
  const fork: Forks['fork'] = async ({ from, predictor = run.predictor, ...step }) => {
    throwIfAborted(signal, 'The lambda refresh');
    const result = await advanceRun({ run: { ...run, predictor }, state: from, ...step });
    tensors.add(result.output);
    return { state: own(result.state), output: result.output };
  };
  const move: Forks['move'] = async (step) => {
    const { state, output } = await fork(step);
    free(step.from, output);
    return state;
  };
  const ones = everyBranch(run, 1);
  const nothing = ones.map(() => false);
  const finishWith = async (
    from: RunState,
    index: number,
    step: (u: number) => Pick<ForkStep, 'scores' | 'kept'>,
  ): Promise<Tensor4D> => {
    let state = from;
    for (let u = index; u < run.plan.steps.length; u++) {
      state = await move({ from: state, index: u, ...step(u) });
    }
    const final = state.plan.latent.clone();
    tensors.add(final);
    free(state);
    return final;
  };
  const forks: Forks = {
    fork,
    move,
    free,
    share: (state) => own(retainRunState(state)),
    first: () => move({ from: own(startRun(run, latent)), index: 0, scores: ones }),
    finish: (from, index, scoresOf) => finishWith(from, index, (u) => ({ scores: scoresOf(u) })),
    finishUncached: (from, index) =>
      finishWith(from, index, () => ({ scores: ones, kept: nothing })),
  };
  try {
    return await body(forks);
  } finally {
    for (const state of states) disposeRunState(run, state);
    dispose([...tensors]);
  }
}

/** The same score for every branch of a step. */
export function everyBranch({ executor }: RoutedRun, score: number): number[] {
  return executor.spec.branches.map(() => score);
}
