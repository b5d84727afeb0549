import { type CachePredictor, InvalidArgumentError, throwIfAborted } from '@harmonica/core';
import { dispose, type Tensor4D } from '@tensorflow/tfjs-core';
import {
  advanceRun,
  disposeRunState,
  type RoutedRun,
  type RunState,
  retainRunState,
  startRun,
} from './routed-run.js';

/** Some images of a batch, sampled by a run of their own. */
export interface RunPart {
  readonly run: RoutedRun;
  /** Initial latent of the run, already scaled by the plan. Not disposed. */
  readonly latent: Tensor4D;
}

/** A batch whose steps are to be varied. */
export interface LambdaOptions {
  /**
   * At least one; they differ in their images alone. Parts are worked on one after the other, so that only what several
   * variations share is in memory for the whole batch.
   */
  readonly parts: readonly RunPart[];
  /** Router scores in force, `[steps][branches]`; row 0 is not read: step 0 computes everything. */
  readonly scores: readonly (readonly number[])[];
  readonly signal?: AbortSignal;
}

/** Where the run of each part stands. */
export type BatchState = readonly RunState[];

/** A tensor of each part. */
export type BatchTensor = readonly Tensor4D[];

/** How a step is taken. */
export interface StepSettings {
  readonly scores: readonly number[];
  /** Default: the run's. */
  readonly predictor?: CachePredictor;
  /** As {@link AdvanceRunOptions.kept}. */
  readonly kept?: readonly boolean[];
}

/** A step from a state. */
export interface ForkStep extends StepSettings {
  readonly from: BatchState;
  readonly index: number;
}

/** A step that was taken for what follows from it. */
export interface Attempt {
  /** Guided model output of the step. */
  readonly outputs: BatchTensor;
  /** Final latent. */
  readonly finals: BatchTensor;
}

/** Continuations of one batch from states that they share. What they make is theirs until it is freed. */
export interface Forks {
  /** The state after step 0, which computes every branch. */
  first(): Promise<BatchState>;
  /** The state after one more step; `from` is freed. */
  move(step: ForkStep): Promise<BatchState>;
  /** The same with the guided model output of the step. */
  moveWithOutputs(
    step: ForkStep,
  ): Promise<{ readonly state: BatchState; readonly outputs: BatchTensor }>;
  /** Takes a step and all later ones as `after` has them; `from` stays. */
  attempt(step: ForkStep, after: StepsAfter): Promise<Attempt>;
  /** The final latent when steps `index` and later are taken as `after` has them; `from` stays. */
  finish(from: BatchState, index: number, after: StepsAfter): Promise<BatchTensor>;
  /** Steps that compute everything and cache nothing. */
  readonly uncached: StepsAfter;
  free(...things: readonly (BatchState | BatchTensor)[]): void;
}

/** How each step is taken. */
export type StepsAfter = (step: number) => StepSettings;

/** Gives `body` the forks of a batch; whatever it has not freed is freed when it ends, fails or is aborted. */
export async function withForks<T>(
  { parts, signal }: Pick<LambdaOptions, 'parts' | 'signal'>,
  body: (forks: Forks) => Promise<T>,
): Promise<T> {
  const ones = everyBranch(parts, 1);
  const nothing = ones.map(() => false);
  const states = new Map<RunState, RoutedRun>();
  const tensors = new Set<Tensor4D>();
  const own = (run: RoutedRun, state: RunState): RunState => {
    states.set(state, run);
    return state;
  };
  const freeState = (state: RunState): void => {
    const run = states.get(state);
    if (run && states.delete(state)) disposeRunState(run, state);
  };
  const freeTensor = (tensor: Tensor4D): void => {
    if (tensors.delete(tensor)) tensor.dispose();
  };
  const eachPart = async <R>(take: (part: RunPart, i: number) => Promise<R>): Promise<R[]> => {
    const results: R[] = [];
    for (const [i, part] of parts.entries()) results.push(await take(part, i));
    return results;
  };
  /** `from` stays. */
  const take = async (run: RoutedRun, step: Omit<ForkStep, 'from'> & { from: RunState }) => {
    throwIfAborted(signal, 'The lambda refresh');
    const { from: state, predictor = run.predictor, ...settings } = step;
    const result = await advanceRun({ run: { ...run, predictor }, state, ...settings });
    tensors.add(result.output);
    return { state: own(run, result.state), output: result.output };
  };
  /** `from` is freed. */
  const finishPart = async (run: RoutedRun, from: RunState, index: number, after: StepsAfter) => {
    let state = from;
    for (let u = index; u < run.plan.steps.length; u++) {
      const next = await take(run, { from: state, index: u, ...after(u) });
      freeTensor(next.output);
      freeState(state);
      state = next.state;
    }
    const final = state.plan.latent.clone();
    tensors.add(final);
    freeState(state);
    return final;
  };
  const moveWithOutputs: Forks['moveWithOutputs'] = async ({ from, ...step }) => {
    const moved = await eachPart(async ({ run }, i) => {
      const state = from[i] as RunState;
      const next = await take(run, { from: state, ...step });
      freeState(state);
      return next;
    });
    return { state: moved.map(({ state }) => state), outputs: moved.map(({ output }) => output) };
  };
  const move: Forks['move'] = async (step) => {
    const { state, outputs } = await moveWithOutputs(step);
    outputs.forEach(freeTensor);
    return state;
  };
  const forks: Forks = {
    move,
    moveWithOutputs,
    first: () => {
      const from = parts.map(({ run, latent }) => own(run, startRun(run, latent)));
      return move({ from, index: 0, scores: ones });
    },
    attempt: async ({ from, ...step }, after) => {
      const attempts = await eachPart(async ({ run }, i) => {
        const { state, output } = await take(run, { from: from[i] as RunState, ...step });
        return { output, final: await finishPart(run, state, step.index + 1, after) };
      });
      return {
        outputs: attempts.map(({ output }) => output),
        finals: attempts.map(({ final }) => final),
      };
    },
    finish: (from, index, after) =>
      eachPart(({ run }, i) =>
        finishPart(run, own(run, retainRunState(from[i] as RunState)), index, after),
      ),
    uncached: () => ({ scores: ones, kept: nothing }),
    free: (...things) => {
      for (const thing of things.flat()) {
        if ('plan' in thing) freeState(thing);
        else freeTensor(thing);
      }
    },
  };
  try {
    return await body(forks);
  } finally {
    for (const [state, run] of states) disposeRunState(run, state);
    dispose([...tensors]);
  }
}

/** The same score for every branch of a step. */
export function everyBranch(parts: readonly RunPart[], score: number): number[] {
  return anyRun(parts).executor.spec.branches.map(() => score);
}

/**
 * A run to read off what is common to all parts.
 *
 * @throws {@link InvalidArgumentError} if there is none
 */
export function anyRun(parts: readonly RunPart[]): RoutedRun {
  const [first] = parts;
  if (first) return first.run;
  throw new InvalidArgumentError({ argument: 'parts', value: [], expected: 'at least one part' });
}

/** The parts with another predictor. */
export function predictedBy(
  parts: readonly RunPart[],
  predictorOf: (run: RoutedRun) => CachePredictor,
): RunPart[] {
  return parts.map(({ run, latent }) => ({
    latent,
    run: { ...run, predictor: predictorOf(run) },
  }));
}
