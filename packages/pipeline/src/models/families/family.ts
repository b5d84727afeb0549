import type { LoadOptions } from '@harmonica/backbones';
import { type Backbone, type BackboneSpec, fingerprint, type WeightSource } from '@harmonica/core';
import type { ModelProcess } from '@harmonica/samplers';
import type { JsonObject } from '@harmonica/weights';

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

/** A family of backbones: what it can do with a configuration, and which of its models are published. */
export interface Family<Name extends string, Config> {
  readonly name: Name;
  readonly spec: (config: Config) => BackboneSpec;
  readonly process: (config: Config) => ModelProcess;
  readonly guidance: (config: Config) => Architecture['guidance'];
  readonly classes: (config: Config) => number;
  readonly resized: (config: Config, latent: LatentSize) => Config;
  /** What the shapes of tensors tell of the configuration. Default: nothing. */
  readonly fittedTo?: (config: Config, source: WeightSource) => Config;
  readonly load: (options: LoadOptions & { readonly config: Config }) => Promise<Backbone>;
  readonly random: (options: { readonly config: Config; readonly seed: number }) => Backbone;
  /** Smallest first. */
  readonly published: () => readonly PublishedModel<Config>[];
  /** What a file of a configuration need not say; its latents are square. */
  readonly defaults: () => Config;
  /** The fields that make latents square, where `inputSize` is not the only one. */
  readonly square?: (inputSize: number) => Partial<Config>;
  /**
   * From `config.json` of a transformer in diffusers' layout, and `model_index.json` beside it. Undefined if it is of
   * another family. Absent: diffusers has none of the family.
   */
  readonly fromDiffusers?: (json: JsonObject, index: JsonObject) => Config | undefined;
}

/** A model that its authors published. */
export interface PublishedModel<Config> {
  /** What they call it. */
  readonly name: string;
  /** Other names, in lower case with hyphens. */
  readonly aliases: Readonly<Record<string, () => Config>>;
  readonly config: () => Config;
}

/**
 * The architecture of a configuration.
 *
 * @throws {@link InvalidArgumentError} if no model of the family has it
 */
export function architectureIn<Config>(
  family: Family<string, Config>,
  config: Config,
): Architecture {
  return {
    spec: family.spec(config),
    sha256: fingerprint({ family: family.name, config }),
    process: family.process(config),
    guidance: family.guidance(config),
    classes: family.classes(config),
    resized: (latent) => architectureIn(family, family.resized(config, latent)),
    fittedTo: (source) =>
      architectureIn(family, family.fittedTo ? family.fittedTo(config, source) : config),
    load: (options) => family.load({ ...options, config }),
    random: (seed) => family.random({ config, seed }),
  };
}

/** In lower case, with hyphens between its parts. */
export function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace('u-vit', 'uvit')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '');
}
