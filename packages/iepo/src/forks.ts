import { assertArgument, type CachePredictor, throwIfAborted } from '@harmonica/core';
import {
  advanceRun,
  disposeRunState,
  type RoutedRun,
  type RunState,
  retainRunState,
  startRun,
} from '@harmonica/router';
import type { Tensor4D } from '@tensorflow/tfjs-core';

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
  readonly signal?: AbortSignal | undefined;
}

/** Where the run of each part stands. */
type BatchState = readonly RunState[];

/** A tensor of each part. */
export type BatchTensor = readonly Tensor4D[];

/** A step from a state. */
export interface ForkStep extends StepSettings {
  readonly from: BatchState;
  readonly index: number;
}

/** A step that was taken for what follows from it. */
interface Attempt {
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
  assertArgument({ parts }, 'at least one part', first);
  return first.run;
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

/** How a step is taken. */
interface StepSettings {
  readonly scores: readonly number[];
  /** Default: the run's. */
  readonly predictor?: CachePredictor;
  /** As {@link AdvanceRunOptions.kept}. */
  readonly kept?: readonly boolean[];
}

/** How each step is taken. */
export type StepsAfter = (step: number) => StepSettings;

/** The run of one part of a batch. */
interface PartRun {
  readonly run: RoutedRun;
  /** Owns what is made. */
  readonly owned: OwnedRuns;
  readonly signal?: AbortSignal | undefined;
}

/** A step of one part. */
interface PartStep extends StepSettings {
  /** Not freed. */
  readonly from: RunState;
  readonly index: number;
}

/**
 * The state after one more step, and the guided model output of that step.
 *
 * @throws {@link AbortedError} if `signal` is aborted
 */
async function takeStep({ run, owned, signal }: PartRun, step: PartStep) {
  throwIfAborted(signal, 'The lambda refresh');
  const { from, predictor = run.predictor, ...settings } = step;
  const result = await advanceRun({ run: { ...run, predictor }, state: from, ...settings });
  return { state: owned.state(run, result.state), output: owned.tensor(result.output) };
}

/** Where the last steps of a part begin, and how they are taken. */
interface LastSteps {
  /** Freed. */
  readonly from: RunState;
  readonly index: number;
  readonly after: StepsAfter;
}

/** The final latent when steps `index` and later are taken as `after` has them. */
async function takeLastSteps(part: PartRun, { from, index, after }: LastSteps): Promise<Tensor4D> {
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

/** States and tensors that are freed one by one, or what is left of them all at once. */
class OwnedRuns {
  readonly #states = new Map<RunState, RoutedRun>();
  readonly #tensors = new Set<Tensor4D>();

  /** Takes over a state of a run. */
  state(run: RoutedRun, state: RunState): RunState {
    this.#states.set(state, run);
    return state;
  }

  /** Takes over a tensor. */
  tensor(tensor: Tensor4D): Tensor4D {
    this.#tensors.add(tensor);
    return tensor;
  }

  /** Frees each thing that is still there. */
  free(...things: readonly (RunState | Tensor4D)[]): void {
    for (const thing of things) {
      if ('plan' in thing) this.#freeState(thing);
      else if (this.#tensors.delete(thing)) thing.dispose();
    }
  }

  freeAll(): void {
    this.free(...this.#states.keys(), ...this.#tensors);
  }

  #freeState(state: RunState): void {
    const run = this.#states.get(state);
    if (!run) return;
    this.#states.delete(state);
    disposeRunState(run, state);
  }
}

/** A step taken with one of several predictors. */
export interface Trial {
  /** Index of the predictor. */
  readonly candidate: number;
  /** Guided model output of the step. The caller frees it. */
  readonly outputs: BatchTensor;
  readonly imageError: number;
}

/** Options of {@link bestTrial}. */
interface BestTrialOptions {
  readonly forks: Forks;
  /** Simplest first. */
  readonly candidates: readonly CachePredictor[];
  /** Takes the step with a predictor, and all steps after it. */
  readonly attempt: (predictor: CachePredictor) => Promise<Attempt>;
  /** Error of the images that final latents stand for. */
  readonly imageErrorOf: (finals: BatchTensor) => Promise<number>;
}

/** Takes a step with every candidate; the least image error wins, and the simplest among equals. */
export async function bestTrial(options: BestTrialOptions): Promise<Trial> {
  const { forks, candidates, attempt, imageErrorOf } = options;
  const depth = deepest(candidates);
  const trials: Trial[] = [];
  for (const [candidate, predictor] of candidates.entries()) {
    const { outputs, finals } = await attempt({ ...predictor, depth });
    trials.push({ candidate, outputs, imageError: await imageErrorOf(finals) });
    forks.free(finals);
  }
  const best = trials.reduce((a, b) => (b.imageError < a.imageError ? b : a));
  forks.free(...trials.filter((trial) => trial !== best).map(({ outputs }) => outputs));
  return best;
}

/** How far back a cache must reach for any of the candidates. */
export function deepest(candidates: readonly CachePredictor[]): number {
  return Math.max(...candidates.map(({ depth }) => depth));
}
