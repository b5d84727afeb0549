import { type CachePredictor, throwIfAborted } from '@harmonica/core';
import {
  add,
  log,
  mean,
  slice,
  squaredDifference,
  sub,
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
  /**
   * By how much predicting step t raises the error of the final image, all other steps as in force: the mean over images
   * of the logarithm of the ratio of errors (10 / ln 10 times it is a loss of PSNR in dB).
   */
  readonly lambda: readonly number[];
  /** Mean squared error of the guided model output at step t when all its branches are predicted. */
  readonly stepError: readonly number[];
}

/** Image errors below this (50 dB for a latent of unit variance) count as none. */
const ERROR_FLOOR = 1e-5;

/**
 * The image error that predicting a whole step causes, with the hard schedule in force everywhere else: with
 * `e = |x0 - x0*|^2` per image, x0* uncached,
 *
 *     lambda(t) = mean over images of log(e(t predicted) / e(t computed)),   clipped at 0
 *
 * Unlike the paper's proxy it is as meaningful for steps that are computed now as for those that are predicted, and it
 * sees what consecutive predictions do to each other. The logarithm keeps the few images that flip to another layout,
 * whose squared errors dwarf all others, from deciding alone. `lambda / stepError` turns an error of the model output
 * into one of the image.
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
    const gain = await meanOf(() =>
      mean(sub(logErrors(run, worse, reference), logErrors(run, better, reference))),
    );
    lambda.push(Math.max(0, gain));
    better.dispose();
    worse.dispose();
    state = await replaced(options, state, t, inForce(t));
  }
  reference.dispose();
  disposeRunState(run, state);
  return { lambda, stepError };
}

export interface ChoosePredictorsOptions extends LambdaOptions {
  /** Predictors to choose from, simplest first. */
  readonly candidates: readonly CachePredictor[];
}

/**
 * Finds for each step which predictor comes closest to the computed model output, along a run with the given hard
 * schedule: the lowest mean over images of the logarithm of the squared error of what the sampler reads (a learned
 * variance does not count). `options.run.predictor` must reach as
 * far back as the deepest candidate.
 *
 * @returns one index into `candidates` per step; 0 for step 0, and the simplest among equals
 * @throws {@link AbortedError} between steps, if `signal` is aborted
 */
export async function choosePredictors(options: ChoosePredictorsOptions): Promise<number[]> {
  const { run, scores, candidates, signal } = options;
  const { depth } = run.predictor;
  const zeros = everyBranch(run, 0);
  const chosen = [0];
  let state = await firstStep(options);
  for (let t = 1; t < scores.length; t++) {
    throwIfAborted(signal, 'The choice of predictors');
    const computed = await advanceRun({ run, state, index: t, scores: everyBranch(run, 1) });
    const errors: number[] = [];
    for (const candidate of candidates) {
      const trial = { ...run, predictor: { ...candidate, depth } };
      const predicted = await advanceRun({ run: trial, state, index: t, scores: zeros });
      errors.push(await meanOf(() => mean(logSquares(run, predicted.output, computed.output))));
      predicted.output.dispose();
      disposeRunState(run, predicted.state);
    }
    computed.output.dispose();
    disposeRunState(run, computed.state);
    const best = errors.indexOf(Math.min(...errors));
    chosen.push(best);
    const inForce = { ...run, predictor: { ...(candidates[best] as CachePredictor), depth } };
    const step = { ...options, run: inForce };
    state = await replaced(step, state, t, scores[t] as readonly number[]);
  }
  disposeRunState(run, state);
  return chosen;
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
  return meanOf(() => mean(squaredDifference(images(run, a), images(run, b))));
}

/** `[images]`: logarithm of the mean squared error of each image. */
function logErrors(run: RoutedRun, a: Tensor4D, b: Tensor4D): Tensor {
  return log(add(mean(squaredDifference(images(run, a), images(run, b)), [1, 2, 3]), ERROR_FLOOR));
}

/** `[images]`: logarithm of the mean squared difference of what the sampler reads; the floor only keeps it finite. */
function logSquares(run: RoutedRun, a: Tensor4D, b: Tensor4D): Tensor {
  const { channels } = run.executor.spec.latent;
  const read = (x: Tensor4D) => slice(images(run, x), [0, 0, 0, 0], [-1, -1, -1, channels]);
  return log(add(mean(squaredDifference(read(a), read(b)), [1, 2, 3]), 1e-12));
}

function images(run: RoutedRun, x: Tensor4D): Tensor4D {
  const [doubled, ...size] = x.shape;
  return slice(x, [0, 0, 0, 0], [run.guidance ? doubled / 2 : doubled, ...size]);
}

async function meanOf(compute: () => Tensor): Promise<number> {
  const result = tidy(compute);
  const [value] = await result.data();
  result.dispose();
  return value as number;
}
