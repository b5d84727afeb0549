import {
  type BackboneSpec,
  createNoise,
  doubleCondition,
  type Guidance,
  InvalidArgumentError,
  type NamedTensors,
  type NoiseSource,
  type Rng,
  type SamplerPlan,
} from '@harmonica/core';
import { concat, mul, type Tensor4D, tensor1d, tidy } from '@tensorflow/tfjs-core';

/** Draws the conditioning of a batch: one row per image for every input of the backbone. The caller disposes it. */
export type DrawCondition = (rng: Rng, batch: number) => NamedTensors;

/**
 * Uniform class labels, for backbones with one `labels` input whose null condition is the class after the last.
 *
 * @throws {@link InvalidArgumentError} if the backbone is conditioned otherwise
 */
export function drawLabels(spec: BackboneSpec): DrawCondition {
  const classes = spec.nullCondition?.labels?.[0];
  if (spec.condition.length !== 1 || classes === undefined) {
    throw new InvalidArgumentError({
      argument: 'drawCondition',
      value: undefined,
      expected: `a function that draws ${spec.condition.map(({ name }) => name).join(', ')}`,
      fix: `${spec.name} is not conditioned on class labels alone.`,
    });
  }
  return (rng, batch) => ({
    labels: tensor1d(
      Array.from({ length: batch }, () => rng.integer(classes)),
      'int32',
    ),
  });
}

export interface DrawBatchOptions {
  readonly rng: Rng;
  readonly size: number;
  readonly spec: BackboneSpec;
  readonly plan: SamplerPlan;
  readonly drawCondition: DrawCondition;
  readonly guidance?: Guidance;
}

/** A fresh batch to sample. The caller disposes `latent` and `condition`. */
export interface TrainingBatch {
  /** Initial latent; with guidance of twice the batch, both halves equal. */
  readonly latent: Tensor4D;
  /** With guidance of twice the batch, conditional half first. */
  readonly condition: NamedTensors;
  readonly noise: NoiseSource;
}

/** Draws noise and conditioning anew, so that no two trajectories repeat. */
export function drawBatch(options: DrawBatchOptions): TrainingBatch {
  const { rng, size, spec, plan, drawCondition, guidance } = options;
  const seeds = Array.from({ length: size }, () => rng.integer(2 ** 32));
  const single = createNoise({ seeds, latent: spec.latent });
  const noise = guidance ? twice(single) : single;
  const condition = drawCondition(rng, size);
  const latent = tidy(() => mul(noise.initial(), plan.initialStd) as Tensor4D);
  if (!guidance) return { latent, condition, noise };
  const doubled = doubleCondition(spec, condition, guidance.unconditional);
  for (const tensor of Object.values(condition)) tensor.dispose();
  return { latent, condition: doubled, noise };
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
