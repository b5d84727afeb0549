import type { Backbone, BackboneSpec, WeightSource } from '@harmonica/core';
import type { ComponentJson } from './weights/config.js';
import type { LoadModelOptions, RandomModelOptions } from './weights/load-model.js';

/** The noise that a model was trained with, and the sampler that its authors use: names of `@harmonica/samplers`. */
export type FamilyProcess =
  | {
      readonly kind: 'diffusion';
      readonly sampler: 'ddim' | 'dpm-solver++';
      readonly schedule: 'linear' | 'scaled-linear';
    }
  | { readonly kind: 'sit'; readonly sampler: 'sit-ode' };

/** A published model. */
export interface PublishedModel<C> {
  /** In lower case with hyphens, such as `dit-xl-2-512`. */
  readonly name: string;
  /** Its configuration. */
  config(): C;
}

/** The files that say what a model in diffusers' layout is, parsed. */
export interface DiffusersFiles {
  /** `config.json` of the transformer. */
  readonly config: ComponentJson;
  /** `model_index.json`; empty where there is none. */
  readonly index: ComponentJson;
}

/** All that a family of backbones is known by. */
export interface BackboneFamily<C> {
  /** What their authors call the published models, smallest first. */
  readonly models: readonly string[];
  /** The published models under every short name that they have. */
  readonly published: readonly PublishedModel<C>[];
  /**
   * A configuration of fields, the others as in a published model.
   *
   * @throws {@link InvalidArgumentError} if no model of the family has it
   */
  custom(fields: Partial<C>): C;
  /** The configuration of a model in diffusers' layout. Absent where diffusers has no such family. */
  readonly diffusers?: {
    /** Whether the files are of this family. */
    recognises(files: DiffusersFiles): boolean;
    /** @throws {@link ConfigError} naming each setting that is missing, malformed or of another architecture */
    configOf(files: DiffusersFiles): C;
  };
  /** @throws {@link InvalidArgumentError} if no model of the family has this configuration */
  spec(config: C): BackboneSpec;
  /** How a model of this configuration was trained, and what samples it best. */
  process(config: C): FamilyProcess;
  /** Used where nothing else is said: the scale, and how many channels of the latent are guided. */
  guidance(config: C): { readonly scale: number; readonly channels: number };
  /** Classes without the null class; 0 for models without labels. */
  classes(config: C): number;
  /** The same for other latents. */
  resized(config: C, latent: BackboneSpec['latent']): C;
  /**
   * A checkpoint under the names of the family, without what training put before and into them (`module.`, `_orig_mod.`).
   *
   * @throws {@link CheckpointError} if it holds the model in several parts, or not at all
   */
  unwrapped(config: C, source: WeightSource): WeightSource;
  /** The same with sizes as the shapes of a checkpoint's tensors tell them, as far as they do. */
  fittedTo(config: C, source: WeightSource): C;
  /** @throws as {@link loadDit} does */
  load(options: LoadModelOptions<C>): Promise<Backbone>;
  /** @throws {@link InvalidArgumentError} if no model of the family has this configuration */
  random(options: RandomModelOptions<C>): Backbone;
}

/** In lower case, with hyphens between its parts. */
export function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace('u-vit', 'uvit')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '');
}
