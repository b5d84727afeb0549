import {
  type BranchAction,
  computeAction,
  type Executor,
  guidanceVjp,
  NonFiniteError,
  type StreamHandle,
  throwIfAborted,
  type ValueHandle,
} from '@harmonica/core';
import {
  beginStep,
  guide,
  nextPlanState,
  type RoutedRun,
  type RunState,
  routedActions,
  updateCache,
} from '@harmonica/router';
import { mean, mul, squaredDifference, sub, type Tensor4D, tidy } from '@tensorflow/tfjs-core';

/** Options of {@link trainingStep}. */
export interface TrainingStepOptions {
  readonly run: RoutedRun;
  /** Latent and cache before the step. Not disposed. */
  readonly state: RunState;
  /** At least 1: step 0 computes everything and has nothing to learn. */
  readonly index: number;
  /** Scores applied in this step, one for each branch: soft ones, or 0 and 1 for a hard mask. */
  readonly scores: readonly number[];
}

/** What a training step gives. */
export interface TrainingStepResult {
  /** Mean squared error between the student's and the teacher's guided model output, over everything. */
  readonly error: number;
  /** Derivative of `error` by each applied score. */
  readonly scoreGradients: readonly number[];
  /** The student's latent and cache after the step; the caller disposes it. */
  readonly state: RunState;
}

/**
 * One step of Step-wise Denoising Training (HarmoniCa, 2025, section 4.1): the teacher computes every branch, the
 * student blends each with its prediction, both from the student's latent; the run goes on with the student.
 *
 * Only scores are trained, so no tape over the network is needed: with `x' = x + gate * (s f(x) + (1 - s) p)` the
 * derivative by s is `<g, gate (f(x) - p)>`, and the gradient g is carried back through one branch at a time. What has to
 * be held is the stream before each branch.
 *
 * @throws {@link NonFiniteError} if the error or a gradient is NaN or infinite
 */
export async function trainingStep(options: TrainingStepOptions): Promise<TrainingStepResult> {
  const { run, state, index, scores } = options;
  const { executor, predictor, threshold } = run;
  const { cache } = state;
  const actions = routedActions({ cache, predictor, step: index, scores, threshold });
  const begun = await beginStep(run, state.plan, index);
  const teacher = await runTeacher(run, begun);
  const student = await runStudent(executor, begun, actions);
  const output = guide(run, await executor.end(student.streams.at(-1) as StreamHandle));
  const { error, gradient } = await outputGradient({ run, output, teacher });
  const scoreGradients = await backward({ executor, streams: student.streams, actions, gradient });
  assertFinite(index, error, scoreGradients);
  const plan = nextPlanState(run, state.plan, index, output);
  output.dispose();
  teacher.dispose();
  const { outputs } = student;
  return {
    error,
    scoreGradients,
    state: { plan, cache: updateCache({ cache, step: index, outputs, depth: predictor.depth }) },
  };
}

async function runTeacher(run: RoutedRun, begun: StreamHandle): Promise<Tensor4D> {
  const { executor } = run;
  const all = executor.spec.branches.map(({ index }) => computeAction(index, false));
  const { stream } = await executor.advance(begun, all);
  const output = await executor.end(stream);
  executor.release(stream);
  return guide(run, output);
}

/** The student's forward pass, keeping the stream before each branch and the one after the last. */
async function runStudent(
  executor: Executor,
  begun: StreamHandle,
  actions: readonly BranchAction[],
) {
  const streams: StreamHandle[] = [begun];
  const outputs: (ValueHandle | undefined)[] = [];
  for (const action of actions) {
    const result = await executor.advance(streams.at(-1) as StreamHandle, [action]);
    streams.push(result.stream);
    outputs.push(result.outputs[0]);
  }
  return { streams, outputs };
}

interface OutputGradientInput {
  readonly run: RoutedRun;
  /** Guided. */
  readonly output: Tensor4D;
  readonly teacher: Tensor4D;
}

/** The error of the guided output and its derivative by the raw output. */
async function outputGradient({ run, output, teacher }: OutputGradientInput) {
  const { guidance } = run;
  const errorTensor = tidy(() => mean(squaredDifference(output, teacher)));
  const gradient = tidy(() => {
    const byGuided: Tensor4D = mul(sub(output, teacher), 2 / output.size);
    return guidance ? guidanceVjp({ gradient: byGuided, ...guidance }) : byGuided;
  });
  const [error] = await errorTensor.data();
  errorTensor.dispose();
  return { error: error as number, gradient };
}

interface BackwardInput {
  readonly executor: Executor;
  readonly streams: readonly StreamHandle[];
  readonly actions: readonly BranchAction[];
  /** By the raw output. Disposed. */
  readonly gradient: Tensor4D;
}

/** Carries the gradient back through every branch, releasing the streams on the way. */
async function backward(input: BackwardInput): Promise<number[]> {
  const { executor, streams, actions } = input;
  const last = streams.at(-1) as StreamHandle;
  let gradient = await executor.endVjp(last, input.gradient);
  input.gradient.dispose();
  executor.release(last);
  const scoreGradients = new Array<number>(actions.length).fill(0);
  for (const action of actions.toReversed()) {
    const before = streams[action.branch] as StreamHandle;
    const result = await executor.vjp(before, action, gradient);
    executor.release(gradient, before);
    gradient = result.gradient;
    scoreGradients[action.branch] = result.scoreGradient;
  }
  executor.release(gradient);
  return scoreGradients;
}

function assertFinite(step: number, error: number, scoreGradients: readonly number[]): void {
  if (!Number.isFinite(error)) throw new NonFiniteError({ site: 'routing error', step });
  if (!scoreGradients.every(Number.isFinite)) {
    throw new NonFiniteError({ site: 'score gradient', step });
  }
}

/** What a step taught. */
type StepErrors = Pick<TrainingStepResult, 'error' | 'scoreGradients'>;

/** What a step taught on some images. */
export interface PartErrors extends StepErrors {
  readonly images: number;
}

/** Means over the images of all parts: what the step would have taught on all of them at once. */
export function meanStep(parts: readonly PartErrors[]): StepErrors {
  const images = parts.reduce((sum, part) => sum + part.images, 0);
  const mean = (of: (part: PartErrors) => number): number =>
    parts.reduce((sum, part) => sum + (part.images / images) * of(part), 0);
  const branches = parts[0]?.scoreGradients ?? [];
  return {
    error: mean(({ error }) => error),
    scoreGradients: branches.map((_, k) => mean((part) => part.scoreGradients[k] as number)),
  };
}

/** What a step teaches on a batch, whose parts take it one after the other. */
export async function overParts<Part extends { readonly latent: Tensor4D }>(
  parts: readonly Part[],
  signal: AbortSignal | undefined,
  take: (part: Part, i: number) => Promise<StepErrors>,
): Promise<StepErrors> {
  const found: PartErrors[] = [];
  for (const [i, part] of parts.entries()) {
    throwIfAborted(signal, 'Training');
    found.push({ ...(await take(part, i)), images: part.latent.shape[0] });
  }
  return meanStep(found);
}
