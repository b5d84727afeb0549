import {
  type DitConfig,
  ditSpec,
  type LoadOptions,
  loadDit,
  loadPixart,
  loadSit,
  loadUvit,
  type PixartConfig,
  pixartSpec,
  randomDit,
  randomPixart,
  randomSit,
  randomUvit,
  type SitConfig,
  sitSpec,
  type UvitConfig,
  uvitSpec,
} from '@harmonica/backbones';
import {
  type Backbone,
  type BackboneSpec,
  DEFAULT_GUIDED_CHANNELS,
  fingerprint,
  type WeightSource,
} from '@harmonica/core';
import type { ModelProcess } from '@harmonica/samplers';

/** The families of backbones, and what their configurations are. */
export interface FamilyConfigs {
  readonly dit: DitConfig;
  readonly sit: SitConfig;
  readonly pixart: PixartConfig;
  readonly uvit: UvitConfig;
}

/** A family of backbones. */
export type FamilyName = keyof FamilyConfigs;

/** Size of a latent. */
export type LatentSize = BackboneSpec['latent'];

/** A model without its weights. */
export interface Architecture {
  readonly spec: BackboneSpec;
  /** Fingerprint of family and configuration. */
  readonly sha256: string;
  readonly process: ModelProcess;
  /** Used where neither an option nor a router says otherwise. */
  readonly guidance: { readonly scale: number; readonly channels: number };
  /** Classes without the null class; 0 for models without labels. */
  readonly classes: number;
  /** The same for other latents. */
  resized(latent: LatentSize): Architecture;
  /** The same with sizes as the shapes of a checkpoint's tensors tell them, as far as they do. */
  fittedTo(source: WeightSource): Architecture;
  /** @throws as the loaders of `@harmonica/backbones` do */
  load(options: LoadOptions): Promise<Backbone>;
  /** With random weights. */
  random(seed: number): Backbone;
}

/** What a family can do with a configuration. */
interface Family<C> {
  readonly spec: (config: C) => BackboneSpec;
  readonly process: (config: C) => ModelProcess;
  readonly guidance: (config: C) => Architecture['guidance'];
  readonly classes: (config: C) => number;
  readonly resized: (config: C, latent: LatentSize) => C;
  readonly fittedTo: (config: C, source: WeightSource) => C;
  readonly load: (options: LoadOptions & { readonly config: C }) => Promise<Backbone>;
  readonly random: (options: { readonly config: C; readonly seed: number }) => Backbone;
}

/** Guidance scale of the best figures of the papers of DiT and SiT. */
const CLASS_GUIDANCE = { scale: 1.5, channels: DEFAULT_GUIDED_CHANNELS } as const;

const DIT: Family<DitConfig> = {
  spec: ditSpec,
  process: () => ({ kind: 'diffusion', sampler: 'ddim', schedule: 'linear' }),
  guidance: () => CLASS_GUIDANCE,
  classes: ({ numClasses }) => numClasses,
  resized: (config, { height, channels }) => ({
    ...config,
    inputSize: height,
    inChannels: channels,
  }),
  fittedTo: fittedDit,
  load: loadDit,
  random: randomDit,
};

const FAMILIES: { readonly [Name in FamilyName]: Family<FamilyConfigs[Name]> } = {
  dit: DIT,
  sit: {
    ...DIT,
    spec: sitSpec,
    process: () => ({ kind: 'sit', sampler: 'sit-ode' }),
    load: loadSit,
    random: randomSit,
  },
  pixart: {
    spec: pixartSpec,
    process: () => ({ kind: 'diffusion', sampler: 'dpm-solver++', schedule: 'linear' }),
    guidance: ({ inChannels }) => ({ scale: 4.5, channels: inChannels }),
    classes: () => 0,
    resized: (config, { height, width }) => ({
      ...config,
      latentHeight: height,
      latentWidth: width,
    }),
    fittedTo: (config) => config,
    load: loadPixart,
    random: randomPixart,
  },
  uvit: {
    spec: uvitSpec,
    process: ({ inChannels }) => ({
      kind: 'diffusion',
      sampler: 'dpm-solver++',
      // Its models of latents have the noise of Stable Diffusion, those of pixels that of DDPM.
      schedule: inChannels === 3 ? 'linear' : 'scaled-linear',
    }),
    guidance: ({ inChannels, nullClass, captionTokens }) => ({
      scale: captionTokens > 0 ? 2 : nullClass ? 1.4 : 1,
      channels: inChannels,
    }),
    classes: ({ numClasses }) => numClasses,
    resized: (config, { height, channels }) => ({
      ...config,
      inputSize: height,
      inChannels: channels,
    }),
    fittedTo: (config) => config,
    load: loadUvit,
    random: randomUvit,
  },
};

/**
 * The architecture of a configuration.
 *
 * @throws {@link InvalidArgumentError} if no model of the family has it
 */
export function architectureOf<Name extends FamilyName>(
  name: Name,
  config: FamilyConfigs[Name],
): Architecture {
  const family = FAMILIES[name] as Family<FamilyConfigs[Name]>;
  return {
    spec: family.spec(config),
    sha256: fingerprint({ family: name, config }),
    process: family.process(config),
    guidance: family.guidance(config),
    classes: family.classes(config),
    resized: (latent) => architectureOf(name, family.resized(config, latent)),
    fittedTo: (source) => architectureOf(name, family.fittedTo(config, source)),
    load: (options) => family.load({ ...options, config }),
    random: (seed) => family.random({ config, seed }),
  };
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
