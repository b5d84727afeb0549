import { assertOneOf, type Backbone, type BackboneSpec } from '@harmonica/core';
import type { BackboneFamily } from '../family.js';
import {
  type Blueprint,
  type LoadModelOptions,
  loadModel,
  type RandomModelOptions,
  randomModel,
  unwrapped,
} from '../weights/load-model.js';
import type { Parameter } from '../weights/parameter.js';
import type { ModelParts } from '../weights/weights.js';
import {
  assertDitConfig,
  createDit,
  DIT_SIZES,
  type DitConfig,
  type DitSize,
  ditConfig,
  ditSpec,
} from './dit.js';
import {
  assertStoredPositions,
  DIT,
  ditLayouts,
  ditParameters,
  publishedSizes,
} from './dit-family.js';

/** The scalable interpolant transformer (Ma et al., 2024): a DiT without variance that predicts the velocity. */
function createSit({ config, weights }: ModelParts<SitConfig>): Backbone {
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
  const fix = 'For another architecture write a SitConfig out in full.';
  assertOneOf({ size }, SIT_SIZES, fix);
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
  return loadModel(BLUEPRINT, options);
}

/** A SiT of random weights; owner and errors are as of {@link randomDit}. */
export function randomSit(options: RandomModelOptions<SitConfig>): Backbone {
  return randomModel(BLUEPRINT, options);
}

const BLUEPRINT: Blueprint<SitConfig, Backbone> = {
  assertConfig: assertDitConfig,
  owner: ({ name }) => name,
  layouts: (config) => ditLayouts({ config, parameters: sitParameters(config) }),
  create: createSit,
  assertStored: assertStoredPositions,
};

/** The scalable interpolant transformers of Ma et al. (2024). diffusers has no class for them. */
export const SIT = {
  models: SIT_SIZES,
  published: SIT_SIZES.flatMap((size) =>
    publishedSizes(size, (overrides) => sitConfig(size, overrides), {
      inputSize: 64,
      learnSigma: false,
    }),
  ),
  custom: (fields) => sitConfig('SiT-XL/2', fields),
  spec: sitSpec,
  process: () => ({ kind: 'sit', sampler: 'sit-ode' }),
  guidance: DIT.guidance,
  classes: DIT.classes,
  resized: DIT.resized,
  unwrapped: (config, source) => unwrapped(BLUEPRINT, config, source),
  fittedTo: DIT.fittedTo,
  load: loadSit,
  random: randomSit,
} as const satisfies BackboneFamily<SitConfig>;
