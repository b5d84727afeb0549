import {
  advancePlan,
  applyGuidance,
  assertConditionValues,
  type BranchAction,
  type CachePredictor,
  disposePlanState,
  type Executor,
  type Guidance,
  type NamedTensors,
  type NoiseSource,
  type PlanState,
  type SamplerPlan,
  type ValueHandle,
} from '@harmonica/core';
import { concat, slice, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import {
  emptyCache,
  type RoutedCache,
  releaseCache,
  routedActions,
  updateCache,
} from './routed-cache.js';

/**
 * Everything that is fixed in a sampling run whose branches are blended by router scores. With guidance, latents are
 * `[2 * batch, height, width, channels]`: the conditional and the unconditional half, as the official code has them.
 * Both halves of the model input are the conditional latent.
 */
export interface RoutedRun {
  readonly executor: Executor;
  readonly plan: SamplerPlan;
  readonly predictor: CachePredictor;
  /** With guidance: of twice the batch, conditional half first. */
  readonly condition: NamedTensors;
  readonly guidance?: Guidance;
  /** Needed by plans that add noise; of the size of the latents. */
  readonly noise?: NoiseSource;
  /** A branch output is cached if its score is above this. The paper uses 0.1. */
  readonly threshold: number;
}

/** Where a routed run stands between two steps: latent and cache. Immutable; free it with {@link disposeRunState}. */
export interface RunState {
  readonly plan: PlanState;
  readonly cache: RoutedCache;
}

/** The state before step 0. `latent` is cloned. */
export function startRun(run: RoutedRun, latent: Tensor4D): RunState {
  return {
    plan: { latent: latent.clone(), predictions: [] },
    cache: emptyCache(run.executor.spec.branches.length),
  };
}

/** A second owner of a state. */
export function retainRunState(state: RunState): RunState {
  for (const entry of state.cache.flat()) entry.users += 1;
  const { latent, predictions } = state.plan;
  return {
    plan: { latent: latent.clone(), predictions: predictions.map((p) => p.clone()) },
    cache: state.cache,
  };
}

/** Frees a state. */
export function disposeRunState(run: RoutedRun, state: RunState): void {
  disposePlanState(state.plan);
  releaseCache(run.executor, state.cache);
}

/** Options of {@link advanceRun}. */
export interface AdvanceRunOptions {
  readonly run: RoutedRun;
  /** Not disposed: several continuations can start from it. */
  readonly state: RunState;
  readonly index: number;
  /** One score in [0, 1] for each branch. */
  readonly scores: readonly number[];
  /** For each branch whether its output is cached. Default: if its score is above the run's threshold. */
  readonly kept?: readonly boolean[];
}

/** Result of {@link advanceRun}. */
export interface AdvanceRunResult {
  readonly state: RunState;
  /** Guided model output of the step; the caller disposes it. */
  readonly output: Tensor4D;
}

/** Takes one step with the branches blended by `scores`. */
export async function advanceRun(options: AdvanceRunOptions): Promise<AdvanceRunResult> {
  const { run, state, index, scores, kept } = options;
  const { cache } = state;
  const { predictor, threshold } = run;
  const routed = routedActions({ cache, predictor, step: index, scores, threshold });
  const actions = routed.map((action, k) => ({ ...action, keep: kept?.[k] ?? action.keep }));
  const { output, outputs } = await runActions({ run, state, index, actions });
  return {
    output,
    state: {
      plan: nextPlanState(run, state.plan, index, output),
      cache: updateCache({ cache, step: index, outputs, depth: predictor.depth }),
    },
  };
}

/** Takes the plan's step from a guided model output. */
export function nextPlanState(
  { plan, noise }: RoutedRun,
  state: PlanState,
  index: number,
  output: Tensor4D,
): PlanState {
  return advancePlan({ plan, index, state, output, ...(noise && { noise }) });
}

interface RunActionsInput {
  readonly run: RoutedRun;
  readonly state: RunState;
  readonly index: number;
  readonly actions: readonly BranchAction[];
}

async function runActions({ run, state, index, actions }: RunActionsInput) {
  const { executor } = run;
  const begun = await beginStep(run, state.plan, index);
  try {
    const { stream, outputs } = await executor.advance(begun, actions);
    const raw = await executor.end(stream);
    executor.release(stream);
    return { output: guide(run, raw), outputs: outputs as readonly (ValueHandle | undefined)[] };
  } finally {
    executor.release(begun);
  }
}

/** Starts the model on the latent of a state; with guidance both halves get the conditional latent. */
export async function beginStep(run: RoutedRun, { latent }: PlanState, index: number) {
  const input = run.guidance ? tidy(() => conditionalTwice(latent)) : latent.clone();
  const time = run.plan.steps[index]?.timestep as number;
  try {
    await assertConditionValues(run.executor.spec, run.condition);
    return await run.executor.begin({ latent: input, time, condition: run.condition });
  } finally {
    input.dispose();
  }
}

/** Applies the run's guidance to a raw model output, which is disposed. */
export function guide({ guidance }: RoutedRun, raw: Tensor4D): Tensor4D {
  if (!guidance) return raw;
  const guided = applyGuidance({ output: raw, ...guidance });
  raw.dispose();
  return guided;
}

function conditionalTwice(latent: Tensor4D): Tensor4D {
  const [doubled, ...size] = latent.shape;
  const half: Tensor4D = slice(latent, [0, 0, 0, 0], [doubled / 2, ...size]);
  return concat([half, half], 0);
}

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
