import { type CachePredictor, InvalidArgumentError } from '@harmonica/core';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import { OwnedRuns } from './owned-runs.js';
import {
  type PartRun,
  type StepSettings,
  type StepsAfter,
  takeLastSteps,
  takeStep,
} from './part-steps.js';
import { type RoutedRun, type RunState, retainRunState, startRun } from './routed-run.js';

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

/** Gives `body` the forks of a batch; whatever it has not freed is freed when it ends, fails or is aborted. */
export async function withForks<T>(
  options: Pick<LambdaOptions, 'parts' | 'signal'>,
  body: (forks: Forks) => Promise<T>,
): Promise<T> {
  const owned = new OwnedRuns();
  try {
    return await body(createForks(options, owned));
  } finally {
    owned.freeAll();
  }
}

function createForks(
  { parts, signal }: Pick<LambdaOptions, 'parts' | 'signal'>,
  owned: OwnedRuns,
): Forks {
  const ones = everyBranch(parts, 1);
  const nothing = ones.map(() => false);
  const runs = parts.map(({ run }): PartRun => ({ run, owned, ...(signal && { signal }) }));
  const moveWithOutputs: Forks['moveWithOutputs'] = async ({ from, ...step }) => {
    const moved = await inTurn(runs, async (part, i) => {
      const state = from[i] as RunState;
      const next = await takeStep(part, { from: state, ...step });
      owned.free(state);
      return next;
    });
    return { state: moved.map(({ state }) => state), outputs: moved.map(({ output }) => output) };
  };
  const move: Forks['move'] = async (step) => {
    const { state, outputs } = await moveWithOutputs(step);
    owned.free(...outputs);
    return state;
  };
  return {
    move,
    moveWithOutputs,
    async first() {
      const from = parts.map(({ run, latent }) => owned.state(run, startRun(run, latent)));
      return move({ from, index: 0, scores: ones });
    },
    async attempt({ from, ...step }, after) {
      const attempts = await inTurn(runs, async (part, i) => {
        const { state, output } = await takeStep(part, { from: from[i] as RunState, ...step });
        const index = step.index + 1;
        return { output, final: await takeLastSteps(part, { from: state, index, after }) };
      });
      return {
        outputs: attempts.map(({ output }) => output),
        finals: attempts.map(({ final }) => final),
      };
    },
    finish: (from, index, after) =>
      inTurn(runs, (part, i) => {
        const state = owned.state(part.run, retainRunState(from[i] as RunState));
        return takeLastSteps(part, { from: state, index, after });
      }),
    uncached: () => ({ scores: ones, kept: nothing }),
    free: (...things) => owned.free(...things.flat()),
  };
}

/** One after the other, so that only one of them takes working memory. */
async function inTurn<T, R>(
  items: readonly T[],
  take: (item: T, i: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (const [i, item] of items.entries()) results.push(await take(item, i));
  return results;
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
