import {
  assertArgument,
  assertCondition,
  assertUnconditional,
  type BackboneSpec,
  createNoise,
  doubleCondition,
  type Guidance,
  type NamedTensors,
  type NoiseSource,
  type Rng,
  type SamplerPlan,
} from '@harmonica/core';
import {
  concat,
  dispose,
  gather,
  mul,
  type Tensor,
  type Tensor4D,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { SETTING_DEFAULTS, type TrainingConfig } from './training-config.js';

/** Draws the conditioning of a batch: one row per image for every input of the backbone. The caller disposes it. */
export type DrawCondition = (rng: Rng, batch: number) => NamedTensors;

/**
 * Uniform class labels, for backbones with one `labels` input whose null condition is the class after the last.
 *
 * @throws {@link InvalidArgumentError} if the backbone is conditioned otherwise
 */
export function drawLabels(spec: BackboneSpec): DrawCondition {
  const classes = spec.nullCondition?.labels?.[0];
  assertArgument(
    { drawCondition: undefined },
    `a function that draws ${spec.condition.map(({ name }) => name).join(', ')}`,
    spec.condition.length === 1 && classes !== undefined,
    `${spec.name} is not conditioned on class labels alone.`,
  );
  return (rng, batch) => ({
    labels: tensor1d(
      Array.from({ length: batch }, () => rng.integer(classes)),
      'int32',
    ),
  });
}

/** Options of {@link drawBatch}. */
export interface DrawBatchOptions {
  readonly rng: Rng;
  /** Images. */
  readonly size: number;
  /** Images of a part at most; what is drawn does not depend on it. Default: all. */
  readonly partSize?: number;
  readonly spec: BackboneSpec;
  readonly plan: SamplerPlan;
  readonly drawCondition: DrawCondition;
  readonly guidance?: Guidance;
}

/** Some images of a fresh batch to sample. The caller disposes `latent` and `condition`. */
export interface BatchPart {
  /** Initial latent; with guidance of twice the images, both halves equal. */
  readonly latent: Tensor4D;
  /** With guidance of twice the images, conditional half first. */
  readonly condition: NamedTensors;
  readonly noise: NoiseSource;
}

/** A fresh batch, in parts. */
export type TrainingBatch = readonly BatchPart[];

/**
 * Draws noise and conditioning anew, so that no two trajectories repeat.
 *
 * @throws {@link InvalidArgumentError}, {@link ShapeError}, {@link DTypeError} if what is drawn, or the unconditional input
 * of guidance, is not what the backbone asks for; or if there is no unconditional input
 */
export function drawBatch(options: DrawBatchOptions): TrainingBatch {
  const { rng, size, partSize = size, spec, plan, guidance } = options;
  const seeds = Array.from({ length: size }, () => rng.integer(2 ** 32));
  const condition = drawnCondition(options);
  const batch = partsOf({ size, partSize }).map((images): BatchPart => {
    const ofPart = images.map((i) => seeds[i] as number);
    const single = createNoise({ seeds: ofPart, latent: spec.latent });
    const noise = guidance ? twice(single) : single;
    const rows = guidance ? [...images, ...images.map((i) => size + i)] : images;
    return {
      latent: tidy(() => mul(noise.initial(), plan.initialStd) as Tensor4D),
      condition: gatherRows(condition, rows),
      noise,
    };
  });
  dispose(condition as Record<string, Tensor>);
  return batch;
}

function drawnCondition({ rng, size, spec, drawCondition, guidance }: DrawBatchOptions) {
  const condition = drawCondition(rng, size);
  try {
    assertCondition(spec, condition, size);
    if (!guidance) return cloned(condition);
    const { unconditional } = guidance;
    if (unconditional) assertUnconditional(spec, unconditional, size);
    return doubleCondition(spec, condition, unconditional);
  } finally {
    for (const tensor of Object.values(condition)) tensor.dispose();
  }
}

function cloned(tensors: NamedTensors): NamedTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, each]) => [name, each.clone()]));
}

function twice(source: NoiseSource): NoiseSource {
  const doubled = (draw: () => Tensor4D): Tensor4D =>
    tidy(() => {
      const half = draw();
      return concat([half, half], 0);
    });
  return {
    initial: () => doubled(source.initial),
    step: (index) => doubled(() => source.step(index)),
  };
}

/** Options of {@link partsOf}. */
interface PartsOfOptions {
  /** Images. */
  readonly size: number;
  /** Images of a part at most, at least 1. */
  readonly partSize: number;
}

/**
 * The images of a batch in as few parts as can be, as equal as can be.
 *
 * @returns for each part the indices of its images, in order
 */
export function partsOf({ size, partSize }: PartsOfOptions): number[][] {
  const count = Math.ceil(size / partSize);
  const startOf = (part: number) => Math.round((part * size) / count);
  return Array.from({ length: count }, (_, part) => {
    const start = startOf(part);
    return Array.from({ length: startOf(part + 1) - start }, (_, i) => start + i);
  });
}

/** Images of a part at most: with guidance the model runs on two samples for each. */
export function partSizeOf(
  { microBatch = SETTING_DEFAULTS.microBatch }: Pick<TrainingConfig, 'microBatch'>,
  guidance: Guidance | undefined,
): number {
  return guidance ? Math.max(1, Math.floor(microBatch / 2)) : microBatch;
}

/** Rows of every tensor, in the given order. The caller disposes the result. */
export function gatherRows(tensors: NamedTensors, rows: readonly number[]): NamedTensors {
  return tidy(() => {
    const indices = tensor1d([...rows], 'int32');
    const entries = Object.entries(tensors).map(([name, each]) => [name, gather(each, indices)]);
    return Object.fromEntries(entries) as Record<string, Tensor>;
  });
}
