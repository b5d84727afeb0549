import {
  assertArgument,
  assertCondition,
  assertShape,
  assertUnconditional,
  doubleCondition,
  IncompatibleError,
  type NamedTensors,
  type PlanStep,
  type Rng,
  restoreRng,
  type SamplerPlan,
} from '@harmonica/core';
import { disposeRunState, fullStep, predictorByName, type RoutedRun } from '@harmonica/router';
import {
  add,
  dispose,
  mul,
  type Tensor,
  type Tensor4D,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import { disposeParts, drawNoise, rngAfterRefresh } from './batch.js';
import { gatherRows, partSizeOf, partsOf } from './draw-batch.js';
import { isRefreshDue, refreshWeights } from './loss-weights.js';
import type { LatentBatch, TrainingState, TrainRouterOptions } from './training-run.js';
import { overParts, trainingStep } from './training-step.js';
import { appliedScores, endRound, startRound, updateStep } from './update-router.js';

/**
 * As many pairs of steps as the plan has, each drawn at random (Learning-to-Cache, 2024): on noised images the first step
 * of a pair computes everything and fills the cache, and the second updates its row of logits. There is no guidance, and
 * what is cached stays as it is.
 */
export async function trainPairs(
  options: TrainRouterOptions,
  before: TrainingState,
): Promise<TrainingState> {
  const { config, plan, signal } = options;
  const { state, rng } = await refreshed(options, before);
  const pairs = plan.steps.length / 2;
  let round = startRound(state);
  for (let count = 0; count < pairs; count++) {
    const { step, parts } = drawPair(options, rng);
    try {
      const scores = appliedScores(options, round, step);
      const take = (part: LatentBatch) => pairStep(options, { ...part, step }, scores);
      round = updateStep(options, round, { ...(await overParts(parts, signal, take)), step });
    } finally {
      disposeParts(parts);
    }
  }
  const images = (state.images ?? 0) + pairs * config.batchSize;
  return { ...endRound(options, round), images, rng: rng.state() };
}

/** Checks that the steps of a plan can be trained in pairs. */
export function assertPairs(plan: SamplerPlan): void {
  const { length } = plan.steps;
  assertArgument(
    { 'plan.steps': length },
    'an even number of steps, because Learning-to-Cache works on pairs of steps',
    length % 2 === 0,
  );
  forwardProcess(plan, 0);
  assertNoiseless(plan);
}

function assertNoiseless({ sampler, steps, settings }: SamplerPlan): void {
  if (steps.every(({ noise }) => noise.kind === 'fixed' && noise.std === 0)) return;
  throw new IncompatibleError({
    what: `What the ${sampler} plan adds`,
    actual: `noise (eta ${settings.eta})`,
    expected: 'none',
    fix: 'Create the plan with eta 0 for Learning-to-Cache.',
  });
}

/** Renews lambda, if it is due, by sampling from noise, as for trajectories. */
async function refreshed(
  options: TrainRouterOptions,
  before: TrainingState,
): Promise<{ readonly state: TrainingState; readonly rng: Rng }> {
  const rng = restoreRng(before.rng);
  if (!isRefreshDue(options.config, before)) return { state: before, rng };
  const batch = drawNoise(options, rng);
  try {
    const state = await refreshWeights(options, before, batch);
    return { state, rng: rngAfterRefresh(options.config, rng) };
  } finally {
    disposeParts(batch);
  }
}

/** Noised images before a pair of steps. */
interface PairStart extends LatentBatch {
  /** The second step of the pair. */
  readonly step: number;
}

/** Error and score gradients of the second step of a pair. */
export async function pairStep(
  { executor, plan }: Pick<TrainRouterOptions, 'executor' | 'plan'>,
  { step, latent, condition }: PairStart,
  scores: readonly number[],
) {
  // At a threshold of 1 no blended output is cached.
  const run: RoutedRun = {
    executor,
    plan,
    condition,
    predictor: predictorByName('hold'),
    threshold: 1,
  };
  const state = await fullStep(run, { latent, index: step - 1 });
  try {
    const result = await trainingStep({ run, state, index: step, scores });
    disposeRunState(run, result.state);
    return result;
  } finally {
    disposeRunState(run, state);
  }
}

/** Share of images that are trained on without their condition (Learning-to-Cache's official code). */
export const CONDITION_DROPOUT = 0.1;

/** Noised images before a pair of steps, in parts. */
interface DrawnPair {
  /** The second step of the pair, whose row is trained: odd. */
  readonly step: number;
  readonly parts: readonly LatentBatch[];
}

/**
 * Draws one iteration of Learning-to-Cache: a pair of steps, latents of images noised to where its first step starts, and
 * their conditions, some of which are dropped. The caller disposes the parts.
 *
 * @throws {@link ShapeError}, {@link DTypeError}, {@link InvalidArgumentError} if what `drawLatents` draws is not what the
 * backbone asks for, or there is nothing to drop a condition for
 */
export function drawPair(options: TrainRouterOptions, rng: Rng): DrawnPair {
  const { plan, config } = options;
  const step = 1 + 2 * rng.integer(plan.steps.length / 2);
  const images = drawImages(options, rng);
  try {
    const dropped = Array.from({ length: config.batchSize }, isDropped(rng));
    const condition = dropCondition(options, images.condition, dropped);
    const values = rng.fillNormal(new Float32Array(images.latent.size));
    const noise = tensor4d(values, images.latent.shape);
    const latent = noised(images.latent, { plan, index: step - 1, noise });
    noise.dispose();
    const parts = split({ latent, condition }, partSizeOf(config, undefined));
    disposeParts([{ latent, condition }]);
    return { step, parts };
  } finally {
    disposeParts([images]);
  }
}

/** Options of {@link noised}. */
interface NoisedOptions {
  readonly plan: SamplerPlan;
  readonly index: number;
  /** Standard normal, of the latent's shape. Not disposed. */
  readonly noise: Tensor4D;
}

/** `alpha * x0 + sigma * noise` at the noise level that a step of the plan starts from. `x0` is not disposed. */
export function noised(x0: Tensor4D, { plan, index, noise }: NoisedOptions): Tensor4D {
  const { alpha, sigma } = forwardProcess(plan, index);
  return tidy(() => add(mul(x0, alpha), mul(noise, sigma)) as Tensor4D);
}

function split({ latent, condition }: LatentBatch, partSize: number): LatentBatch[] {
  return partsOf({ size: latent.shape[0], partSize }).map((rows) => ({
    latent: gatherRows({ latent }, rows).latent as Tensor4D,
    condition: gatherRows(condition, rows),
  }));
}

function isDropped(rng: Rng): () => boolean {
  return () => rng.uniform() < CONDITION_DROPOUT;
}

function drawImages(options: TrainRouterOptions, rng: Rng): LatentBatch {
  const { executor, config, drawLatents } = options;
  const { spec } = executor;
  assertDrawLatents(drawLatents);
  const images = drawLatents(rng, config.batchSize);
  try {
    const { height, width, channels } = spec.latent;
    const expected = [config.batchSize, height, width, channels];
    assertShape({ 'drawLatents().latent': images.latent }, expected);
    assertCondition(spec, images.condition, config.batchSize);
    return images;
  } catch (error) {
    disposeParts([images]);
    throw error;
  }
}

/** The rows of a condition, or of the one that guidance has for none. */
function dropCondition(
  { executor, guidance }: TrainRouterOptions,
  condition: NamedTensors,
  dropped: readonly boolean[],
): NamedTensors {
  const { spec } = executor;
  const { unconditional } = guidance ?? {};
  if (unconditional) assertUnconditional(spec, unconditional, dropped.length);
  const both = doubleCondition(spec, condition, unconditional);
  const rows = dropped.map((drop, i) => (drop ? dropped.length + i : i));
  const kept = gatherRows(both, rows);
  dispose(both as Record<string, Tensor>);
  return kept;
}

/** Refuses Learning-to-Cache without images. */
export function assertDrawLatents(
  drawLatents: TrainRouterOptions['drawLatents'],
): asserts drawLatents {
  assertArgument(
    { drawLatents },
    'a function that draws latents of real images, because Learning-to-Cache needs them',
    drawLatents,
    "Give one, or train without images by trainer 'sdt'.",
  );
}

/** The latent of a diffusion at one noise level: `alpha * x0 + sigma * noise`, with `alpha^2 + sigma^2 = 1`. */
interface ForwardProcess {
  readonly alpha: number;
  readonly sigma: number;
}

/**
 * The noise level that a step of a DDIM plan starts from, solved from its prediction of x0 (DDPM, 2020, Eq. 4).
 *
 * @throws {@link IncompatibleError} if the plan is not DDIM's, or for models that predict samples, whose plans do not
 * tell noise levels
 */
export function forwardProcess(plan: SamplerPlan, index: number): ForwardProcess {
  assertTellsNoiseLevels(plan);
  const { x, model } = (plan.steps[index] as PlanStep).toPrediction;
  // epsilon: x0 = (x - sigma eps) / alpha;  velocity: x0 = alpha x - sigma v
  return plan.prediction === 'epsilon'
    ? { alpha: 1 / x, sigma: -model / x }
    : { alpha: x, sigma: -model };
}

function assertTellsNoiseLevels({ sampler, prediction }: SamplerPlan): void {
  if (sampler === 'ddim' && prediction !== 'sample') return;
  throw new IncompatibleError({
    what: 'The plan to take noise levels from',
    actual: `${sampler}, ${prediction}`,
    expected: 'ddim, epsilon or velocity',
    fix: 'Create it with createDdimPlan.',
  });
}
