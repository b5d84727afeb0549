import {
  DIT_SIZES,
  type DitConfig,
  ditConfig,
  ditConfigOf,
  ditSpec,
  loadDit,
  loadSit,
  randomDit,
  randomSit,
  SIT_SIZES,
  type SitConfig,
  sitConfig,
  sitSpec,
} from '@harmonica/backbones';
import { DEFAULT_GUIDED_CHANNELS, type WeightSource } from '@harmonica/core';
import { type Family, type PublishedModel, slugOf } from './family.js';

/** DiT (Peebles & Xie, 2023). The guidance scale is that of the paper's best figures. */
export const dit: Family<'dit', DitConfig> = {
  name: 'dit',
  spec: ditSpec,
  process: () => ({ kind: 'diffusion', sampler: 'ddim', schedule: 'linear' }),
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
  published: () =>
    DIT_SIZES.map((size) =>
      bySize(
        size,
        () => ditConfig(size),
        () => ditConfig(size, { inputSize: 64 }),
      ),
    ),
  defaults: () => ditConfig('DiT-XL/2'),
  // Last of all families: what none knows is refused as a DiT.
  fromDiffusers: (json) => ditConfigOf(json),
};

/** SiT (Ma et al., 2024): the transformer of DiT on a path of its own. */
export const sit: Family<'sit', SitConfig> = {
  ...dit,
  name: 'sit',
  spec: sitSpec,
  process: () => ({ kind: 'sit', sampler: 'sit-ode' }),
  load: loadSit,
  random: randomSit,
  published: () =>
    SIT_SIZES.map((size) => {
      const at512 = { inputSize: 64, learnSigma: false };
      return bySize(
        size,
        () => sitConfig(size),
        () => sitConfig(size, at512),
      );
    }),
  defaults: () => sitConfig('SiT-XL/2'),
  fromDiffusers: () => undefined,
};

function bySize(
  name: string,
  at256: () => DitConfig,
  at512: () => DitConfig,
): PublishedModel<DitConfig> {
  const slug = slugOf(name);
  return { name, config: at256, aliases: { [`${slug}-256`]: at256, [`${slug}-512`]: at512 } };
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
