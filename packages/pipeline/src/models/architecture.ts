import {
  type BackboneFamily,
  FAMILIES,
  type FamilyConfigs,
  type FamilyName,
  type LoadOptions,
} from '@harmonica/backbones';
import { type Backbone, type BackboneSpec, fingerprint, type WeightSource } from '@harmonica/core';
import type { ModelProcess } from '@harmonica/samplers';

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
  /** A checkpoint under the names of the family, as its loader reads it. @throws {@link CheckpointError} if there is no telling */
  unwrapped(source: WeightSource): WeightSource;
  /** The same with sizes as the shapes of a checkpoint's tensors tell them, as far as they do. */
  fittedTo(source: WeightSource): Architecture;
  /** @throws as the loaders of `@harmonica/backbones` do */
  load(options: LoadOptions): Promise<Backbone>;
  /** With random weights. */
  random(seed: number): Backbone;
}

/**
 * The architecture of a configuration.
 *
 * @throws {@link InvalidArgumentError} if no model of the family has it
 */
export function architectureOf<Name extends FamilyName>(
  name: Name,
  config: FamilyConfigs[Name],
): Architecture {
  const family = FAMILIES[name] as unknown as BackboneFamily<FamilyConfigs[Name]>;
  return {
    spec: family.spec(config),
    sha256: fingerprint({ family: name, config }),
    process: family.process(config),
    guidance: family.guidance(config),
    classes: family.classes(config),
    resized: (latent) => architectureOf(name, family.resized(config, latent)),
    unwrapped: (source) => family.unwrapped(config, source),
    fittedTo: (source) => architectureOf(name, family.fittedTo(config, source)),
    load: (options) => family.load({ ...options, config }),
    random: (seed) => family.random({ config, seed }),
  };
}
