import {
  assertCondition,
  assertUnconditional,
  doubleCondition,
  InvalidArgumentError,
  type NamedTensors,
  type Rng,
  type SamplerPlan,
  ShapeError,
} from '@harmonica/core';
import {
  add,
  dispose,
  mul,
  type Tensor,
  type Tensor4D,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import { gatherRows, partSizeOf, partsOf } from './batch-parts.js';
import { forwardProcess } from './forward-process.js';
import { disposeParts } from './training-batch.js';
import type { LatentBatch, TrainRouterOptions } from './training-run.js';

/** Share of images that are trained on without their condition (Learning-to-Cache's official code). */
export const CONDITION_DROPOUT = 0.1;

/** Noised images before a pair of steps, in parts. */
export interface DrawnPair {
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
export interface NoisedOptions {
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
  if (!drawLatents) throw noLatents();
  const images = drawLatents(rng, config.batchSize);
  try {
    const { height, width, channels } = spec.latent;
    const expected = [config.batchSize, height, width, channels];
    const actual = images.latent.shape;
    if (actual.join() !== expected.join()) {
      throw new ShapeError({ tensor: 'drawLatents().latent', actual, expected });
    }
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

/** Learning-to-Cache without images. */
export function noLatents(): InvalidArgumentError {
  return new InvalidArgumentError({
    argument: 'drawLatents',
    value: undefined,
    expected: 'a function that draws latents of real images, because Learning-to-Cache needs them',
    fix: "Give one, or train without images by trainer 'sdt'.",
  });
}
