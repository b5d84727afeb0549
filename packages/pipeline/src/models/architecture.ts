import {
  type BackboneFamily,
  FAMILIES,
  type FamilyConfigs,
  type FamilyName,
  type LoadOptions,
} from '@harmonica/backbones';
import {
  type Backbone,
  type BackboneSpec,
  fingerprint,
  type Prediction,
  type WeightSource,
} from '@harmonica/core';
import { type ModelProcess, processOfScheduler, type SchedulerFile } from '@harmonica/samplers';

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
  /** The same with what is said of its sampling. @throws {@link ConfigError} if the scheduler's configuration is malformed */
  sampledBy(facts: SamplingFacts): Architecture;
  /** @throws as the loaders of `@harmonica/backbones` do */
  load(options: LoadOptions): Promise<Backbone>;
  /** With random weights. */
  random(seed: number): Backbone;
}

/** What is said of how a model is to be sampled, besides its family. */
export interface SamplingFacts {
  /** `scheduler_config.json` of its pipeline. */
  readonly scheduler?: Pick<SchedulerFile, 'config' | 'source'> | undefined;
  /** What its output stands for. Default: what the scheduler's configuration says, else what the family predicts. */
  readonly prediction?: Prediction | undefined;
}

/**
 * The architecture of a configuration.
 *
 * @throws {@link InvalidArgumentError} if no model of the family has it
 * @throws {@link ConfigError} if the scheduler's configuration is malformed
 */
export function architectureOf<Name extends FamilyName>(
  name: Name,
  config: FamilyConfigs[Name],
  facts: SamplingFacts = {},
): Architecture {
  const family = FAMILIES[name] as unknown as BackboneFamily<FamilyConfigs[Name]>;
  const process = processOf(family.process(config), facts);
  const { prediction } = process;
  return {
    spec: { ...family.spec(config), ...(prediction && { prediction }) },
    sha256: fingerprint({ family: name, config }),
    process,
    guidance: family.guidance(config),
    classes: family.classes(config),
    resized: (latent) => architectureOf(name, family.resized(config, latent), facts),
    unwrapped: (source) => family.unwrapped(config, source),
    fittedTo: (source) => architectureOf(name, family.fittedTo(config, source), facts),
    sampledBy: (other) => architectureOf(name, config, other),
    load: async (options) => predicting(await family.load({ ...options, config }), prediction),
    random: (seed) => predicting(family.random({ config, seed }), prediction),
  };
}

function processOf(base: ModelProcess, { scheduler, prediction }: SamplingFacts): ModelProcess {
  const isConfigured = scheduler && base.kind === 'diffusion';
  const process = isConfigured ? processOfScheduler({ ...scheduler, base }) : base;
  return prediction ? { ...process, prediction } : process;
}

/** The same backbone, whose output stands for something else. */
function predicting(backbone: Backbone, prediction: Prediction | undefined): Backbone {
  if (prediction === undefined || prediction === backbone.spec.prediction) return backbone;
  return {
    spec: { ...backbone.spec, prediction },
    begin: (...inputs) => backbone.begin(...inputs),
    input: (...inputs) => backbone.input(...inputs),
    compute: (...inputs) => backbone.compute(...inputs),
    merge: (...inputs) => backbone.merge(...inputs),
    end: (stream) => backbone.end(stream),
    dispose: () => backbone.dispose(),
  };
}
