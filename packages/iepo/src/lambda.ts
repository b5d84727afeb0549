import { throwIfAborted } from '@harmonica/core';
import {
  mean,
  slice,
  squaredDifference,
  type Tensor,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import {
  advanceRun,
  disposeRunState,
  type RoutedRun,
  type RunState,
  retainRunState,
  startRun,
} from './routed-run.js';

export interface LambdaOptions {
  readonly run: RoutedRun;
  /** Initial latent of the run, already scaled by the plan. Not disposed. */
  readonly latent: Tensor4D;
  /** Router scores in force, `[steps][branches]`; row 0 is not read: step 0 computes everything. */
  readonly scores: readonly (readonly number[])[];
  readonly signal?: AbortSignal;
}

/**
 * lambda(t) as HarmoniCa's paper defines it (Eq. 6): the squared error of the final latent between the run with all
 * routers in force and the run in which step t alone computes everything. Here it is the mean over elements, so that
 * it does not grow with image size and batch.
 *
 * Runs share what they have in common: each variation starts from the state of the main run just before step t, so a
 * refresh costs about `steps^2 / 2` model calls and gives the very numbers of `steps^2`.
 *
 * @returns one value per step; 0 for step 0, which always computes everything
 * @throws {@link AbortedError} between steps, if `signal` is aborted
 */
export async function leaveOneOutLambda(options: LambdaOptions): Promise<number[]> {
  const { run, scores } = options;
  const ones = everyBranch(run, 1);
  const finals: Tensor4D[] = [];
  let state = await firstStep(options);
  for (let t = 1; t < scores.length; t++) {
    const varied = await oneStep(options, state, t, ones);
    finals.push(await finish(options, varied, t + 1, (u) => scores[u] as readonly number[]));
    state = await replaced(options, state, t, scores[t] as readonly number[]);
  }
  const reference = state.plan.latent;
  const lambda = [0];
  for (const final of finals) lambda.push(await meanSquaredError(run, final, reference));
  disposeRunState(run, state);
  for (const final of finals) final.dispose();
  return lambda;
}

/**
 * lambda(t) as HarmoniCa's published code computes it: starting from an uncached run, the routers of steps 1, 2, ... are
 * put in force one after the other (each run keeps those before), and lambda(t) is the mean squared difference that
 * step t's router makes to the final latent. Prefixes are shared as in {@link leaveOneOutLambda}.
 *
 * @returns one value per step; 0 for step 0
 * @throws {@link AbortedError} between steps, if `signal` is aborted
 */
export async function cumulativeLambda(options: LambdaOptions): Promise<number[]> {
  const { run, scores } = options;
  const ones = everyBranch(run, 1);
  const uncached = () => ones;
  let state = await firstStep(options);
  let previous = await finish(options, retainRunState(state), 1, uncached);
  const lambda = [0];
  for (let t = 1; t < scores.length; t++) {
    state = await replaced(options, state, t, scores[t] as readonly number[]);
    const current = await finish(options, retainRunState(state), t + 1, uncached);
    lambda.push(await meanOf(() => mean(squaredDifference(current, previous))));
    previous.dispose();
    previous = current;
  }
  previous.dispose();
  disposeRunState(run, state);
  return lambda;
}

/** What {@link marginalLambda} finds, one value per step; 0 for step 0. */
export interface MarginalLambda {
  /** Mean squared error of the final latent that predicting step t adds, all other steps as in force. */
  readonly lambda: readonly number[];
  /** Mean squared error of the guided model output at step t when all its branches are predicted. */
  readonly stepError: readonly number[];
}

/**
 * The image error that predicting a whole step causes, with the hard schedule in force everywhere else:
 *
 *     lambda(t) = |x0(t predicted) - x0*|^2 - |x0(t computed) - x0*|^2,   x0* uncached,   clipped at 0
 *
 * Unlike the paper's proxy it is as meaningful for steps that are computed now as for those that are predicted, and it
 * sees what consecutive predictions do to each other. `lambda / stepError` turns an error of the model output into an
 * error of the image.
 *
 * @throws {@link AbortedError} between steps, if `signal` is aborted
 */
export async function marginalLambda(options: LambdaOptions): Promise<MarginalLambda> {
  const { run, scores } = options;
  const ones = everyBranch(run, 1);
  const zeros = everyBranch(run, 0);
  const inForce = (u: number) => scores[u] as readonly number[];
  let state = await firstStep(options);
  const reference = await finish(options, retainRunState(state), 1, () => ones);
  const lambda = [0];
  const stepError = [0];
  for (let t = 1; t < scores.length; t++) {
    throwIfAborted(options.signal, 'The lambda refresh');
    const computed = await advanceRun({ run, state, index: t, scores: ones });
    const predicted = await advanceRun({ run, state, index: t, scores: zeros });
    const difference = () => mean(squaredDifference(computed.output, predicted.output));
    stepError.push(await meanOf(difference));
    computed.output.dispose();
    predicted.output.dispose();
    const better = await finish(options, computed.state, t + 1, inForce);
    const worse = await finish(options, predicted.state, t + 1, inForce);
    const gain =
      (await meanSquaredError(run, worse, reference)) -
      (await meanSquaredError(run, better, reference));
    lambda.push(Math.max(0, gain));
    better.dispose();
    worse.dispose();
    state = await replaced(options, state, t, inForce(t));
  }
  reference.dispose();
  disposeRunState(run, state);
  return { lambda, stepError };
}

function everyBranch({ executor }: RoutedRun, score: number): number[] {
  return executor.spec.branches.map(() => score);
}

async function firstStep(options: LambdaOptions): Promise<RunState> {
  const { run, latent } = options;
  return replaced(options, startRun(run, latent), 0, everyBranch(run, 1));
}

/** The state after one more step; the given state stays. */
async function oneStep(
  { run, signal }: LambdaOptions,
  state: RunState,
  index: number,
  scores: readonly number[],
): Promise<RunState> {
  throwIfAborted(signal, 'The lambda refresh');
  const result = await advanceRun({ run, state, index, scores });
  result.output.dispose();
  return result.state;
}

/** The state after one more step; the given state is freed. */
async function replaced(
  options: LambdaOptions,
  state: RunState,
  index: number,
  scores: readonly number[],
): Promise<RunState> {
  try {
    return await oneStep(options, state, index, scores);
  } finally {
    disposeRunState(options.run, state);
  }
}

/** Runs a state to the end and frees it. The caller disposes the final latent. */
async function finish(
  options: LambdaOptions,
  from: RunState,
  index: number,
  scoresOf: (step: number) => readonly number[],
): Promise<Tensor4D> {
  let state = from;
  for (let u = index; u < options.run.plan.steps.length; u++) {
    state = await replaced(options, state, u, scoresOf(u));
  }
  const final = state.plan.latent.clone();
  disposeRunState(options.run, state);
  return final;
}

/** Over the images: with guidance, the conditional half. */
async function meanSquaredError(run: RoutedRun, a: Tensor4D, b: Tensor4D): Promise<number> {
  return meanOf(() => {
    const [doubled, ...size] = a.shape;
    const images = run.guidance ? doubled / 2 : doubled;
    const half = (x: Tensor4D) => slice(x, [0, 0, 0, 0], [images, ...size]);
    return mean(squaredDifference(half(a), half(b)));
  });
}

async function meanOf(compute: () => Tensor): Promise<number> {
  const result = tidy(compute);
  const [value] = await result.data();
  result.dispose();
  return value as number;
}
