import { type Backbone, type BackboneSpec, InvalidArgumentError } from '@harmonica/core';
import {
  type Blueprint,
  type LoadModelOptions,
  loadModel,
  type RandomModelOptions,
  randomModel,
} from '../weights/blueprint.js';
import type { Parameter } from '../weights/parameter.js';
import type { Weights } from '../weights/weights.js';
import {
  assertDitConfig,
  createDit,
  DIT_SIZES,
  type DitConfig,
  type DitSize,
  ditConfig,
  ditSpec,
} from './dit.js';
import { assertStoredPositions, ditLayouts, ditParameters } from './load-dit.js';

interface SitOptions {
  readonly config: SitConfig;
  /** Every tensor of `sitParameters(config)`. Owned by the backbone from here on. */
  readonly weights: Weights;
}

/** The scalable interpolant transformer (Ma et al., 2024): a DiT without variance that predicts the velocity. */
function createSit({ config, weights }: SitOptions): Backbone {
  const dit = createDit({ config: { ...config, learnSigma: false }, weights });
  return { ...dit, spec: sitSpec(config) };
}

/**
 * Everything that shapes a SiT (Ma et al., 2024): a DiT that predicts the velocity. With `learnSigma` the last layer of
 * its checkpoints makes a second half of channels, which is never used.
 */
export type SitConfig = DitConfig;

/** A published size and patch size. */
export type SitSize = DitSize extends `DiT-${infer Size}` ? `SiT-${Size}` : never;

/** The twelve sizes, smallest first; they are those of DiT. */
export const SIT_SIZES: readonly SitSize[] = DIT_SIZES.map(
  (size) => size.replace('DiT', 'SiT') as SitSize,
);

/**
 * The configuration of a size.
 *
 * @param overrides fields that differ from the published ImageNet 256 x 256 model, as in `ditConfig`. The published
 *   512 x 512 model has `inputSize` 64 and `learnSigma` false
 * @throws {@link InvalidArgumentError}
 */
export function sitConfig(size: SitSize, overrides: Partial<SitConfig> = {}): SitConfig {
  if (!SIT_SIZES.includes(size)) {
    throw new InvalidArgumentError({
      argument: 'size',
      value: size,
      expected: `one of ${SIT_SIZES.join(', ')}`,
      fix: 'For another architecture write a SitConfig out in full.',
    });
  }
  return ditConfig(size.replace('SiT', 'DiT') as DitSize, { name: size, ...overrides });
}

/**
 * What a SiT of this configuration takes, gives and costs. Its time runs from 0, noise, to 1, data, and what it predicts
 * is the derivative of the latent by that time.
 *
 * @throws {@link InvalidArgumentError}
 */
export function sitSpec(config: SitConfig): BackboneSpec {
  const dit = ditSpec({ ...config, learnSigma: false });
  return { ...dit, prediction: 'velocity', process: 'sit' };
}

/**
 * Every trained tensor of a SiT under its official name. Of a last layer with unused channels only the used half is
 * loaded.
 */
export function sitParameters(config: SitConfig): Parameter[] {
  const { inChannels, learnSigma } = config;
  const stored = ditParameters(config);
  if (!learnSigma) return stored;
  const loaded = ditParameters({ ...config, learnSigma: false });
  const rows = { period: 2 * inChannels, kept: inChannels };
  return stored.map((parameter, i) => {
    const { shape } = loaded[i] as Parameter;
    return shape.join() === parameter.shape.join() ? parameter : { ...parameter, shape, rows };
  });
}

/**
 * Loads a SiT from a checkpoint with the official parameter names, which are those of DiT, or with the names that
 * diffusers gives a DiT, one tensor at a time.
 *
 * @returns a backbone whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws as {@link loadDit} does
 */
export function loadSit(options: LoadModelOptions<SitConfig>): Promise<Backbone> {
  return loadModel(SIT, options);
}

/**
 * A SiT of random weights, for tests and benchmarks; the same seed gives the same weights.
 *
 * @returns a backbone on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError}
 */
export function randomSit(options: RandomModelOptions<SitConfig>): Backbone {
  return randomModel(SIT, options);
}

const SIT: Blueprint<SitConfig, Backbone> = {
  assertConfig: assertDitConfig,
  owner: ({ name }) => name,
  layouts: (config) => ditLayouts({ config, parameters: sitParameters(config) }),
  create: createSit,
  assertStored: assertStoredPositions,
};
