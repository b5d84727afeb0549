import { DEFAULT_GUIDED_CHANNELS, type WeightSource } from '@harmonica/core';
import { type BackboneFamily, type PublishedModel, slugOf } from '../family.js';
import { ditConfigOf } from './diffusers-config.js';
import { DIT_SIZES, type DitConfig, ditConfig, ditSpec } from './dit.js';
import { loadDit, randomDit } from './load-dit.js';

/** The diffusion transformers of Peebles and Xie (2022). */
export const DIT = {
  models: DIT_SIZES,
  published: DIT_SIZES.flatMap((size) =>
    publishedSizes(size, (overrides) => ditConfig(size, overrides)),
  ),
  custom: (fields) => ditConfig('DiT-XL/2', fields),
  diffusers: {
    recognises: ({ config }) =>
      config._class_name === 'DiTTransformer2DModel' || config.norm_type === 'ada_norm_zero',
    configOf: ({ config }) => ditConfigOf(config),
  },
  spec: ditSpec,
  process: () => ({ kind: 'diffusion', sampler: 'ddim', schedule: 'linear' }),
  // The scale of the best figures of the papers of DiT and SiT.
  guidance: () => ({ scale: 1.5, channels: DEFAULT_GUIDED_CHANNELS }),
  classes: ({ numClasses }) => numClasses,
  resized: (config, { height, channels }) => ({
    ...config,
    inputSize: height,
    inChannels: channels,
  }),
  fittedTo: fittedDit,
  load: loadDit,
  random: randomDit,
} as const satisfies BackboneFamily<DitConfig>;

/** A size for images of 256, with and without saying so, and of 512. */
export function publishedSizes(
  size: string,
  configOf: (overrides?: Partial<DitConfig>) => DitConfig,
  at512: Partial<DitConfig> = { inputSize: 64 },
): PublishedModel<DitConfig>[] {
  const name = slugOf(size);
  return [
    { name, config: () => configOf() },
    { name: `${name}-256`, config: () => configOf() },
    { name: `${name}-512`, config: () => configOf(at512) },
  ];
}

/** What the shapes tell; where a tensor is missing `config` stands, and loading will name the tensor. */
function fittedDit(config: DitConfig, source: WeightSource): DitConfig {
  const shapeOf = (name: string): readonly number[] | undefined =>
    source.names.includes(name) ? source.info(name).shape : undefined;
  const { patchSize } = config;
  const [rows] = shapeOf('y_embedder.embedding_table.weight') ?? [];
  const [, tokens] = shapeOf('pos_embed') ?? [];
  const [, inChannels = config.inChannels] = shapeOf('x_embedder.proj.weight') ?? [];
  const [outputs] = shapeOf('final_layer.linear.weight') ?? [];
  return {
    ...config,
    inChannels,
    ...(rows !== undefined && { numClasses: rows - 1 }),
    ...(tokens !== undefined && { inputSize: Math.sqrt(tokens) * patchSize }),
    ...(outputs !== undefined && { learnSigma: outputs === 2 * inChannels * patchSize ** 2 }),
  };
}
