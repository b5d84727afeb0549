import {
  type AutoencoderKlPreset,
  autoencoderKlPresetOf,
  loadAutoencoderKl,
  readNullCaption,
  readPrompts,
  type StoredPrompts,
} from '@harmonica/backbones';
import {
  assertArgument,
  type Backbone,
  fingerprint,
  type LongCallOptions,
  type WeightSource,
} from '@harmonica/core';
import { loadEmojiDit } from '@harmonica/emoji-dit';
import { DIT_PROCESS, type ModelProcess } from '@harmonica/samplers';
import { hashFiles, type ModelComponent, openCheckpoint, openModel } from '@harmonica/weights';
import { div, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import {
  type Conditions,
  classConditions,
  promptConditions,
  randomPrompts,
  singleCondition,
} from '../conditions.js';
import { type Encoder, encoderOf } from '../images/codec.js';
import type { Architecture, LatentSize } from './architecture.js';
import { type FoundModel, findModel, type ModelName } from './find-model.js';
import { downloadOptions, loaderOptions } from './loading-progress.js';

/** A loaded model, whatever it came from. */
export interface Model {
  readonly backbone: Backbone;
  /** `hashFiles` of the files of its transformer; of random weights a hash of what they are made from. */
  readonly sha256: string;
  /** Of its configuration, where that is not the one of a package: weights alone do not tell all of it. */
  readonly architectureSha256?: string | undefined;
  /** Whether the weights are random, so that its images are noise. */
  readonly random?: boolean;
  readonly conditions: Conditions;
  readonly process: ModelProcess;
  /** Used where neither an option nor a router says otherwise. */
  readonly defaultGuidance: { readonly scale: number; readonly channels: number };
  /** Images `[B, H, W, 3]` towards [-1, 1] of latents. Absent if there is no autoencoder. */
  readonly decode?: ((latent: Tensor4D) => Tensor4D) | undefined;
  /** What images depend on besides latents. Absent if there is no autoencoder. */
  readonly decoder?: DecoderIdentity | undefined;
  /** The other way. Absent if there is no autoencoder. */
  readonly encoder?: Encoder | undefined;
  /** Side of the tiles to decode larger latents in. Default: any latent is decoded whole. */
  readonly tileSize?: number | undefined;
  /** Frees the weights. */
  dispose(): void;
}

/** Everything that `decode` depends on. Plain JSON. */
export interface DecoderIdentity {
  /** `hashFiles` of the files of the autoencoder. */
  readonly sha256: string;
  /** Of its configuration. */
  readonly configSha256: string;
  /** What latents are divided by. */
  readonly scale: number;
}

/** What to load. */
export interface ModelOptions extends ModelName {
  /** The autoencoder of a checkpoint, as `loadModel` of `@harmonica/weights` finds it. Default: the one beside it. */
  readonly vae?: string | undefined;
  /** Default: that of the autoencoder's `config.json`, else 0.18215. */
  readonly vaeScale?: number | undefined;
  /** Embeddings of prompts, as `readPrompts` takes them, for models that make images of text. */
  readonly promptsFile?: string | undefined;
}

/** Options of {@link loadModel}. */
export interface LoadModelOptions extends ModelOptions, LongCallOptions {
  /** Whether a published model by name alone is made with random weights. Default false: it is refused. */
  readonly allowRandom?: boolean | undefined;
}

/**
 * Loads a model onto the current TensorFlow.js backend.
 *
 * @throws {@link NonFiniteError} if weights are NaN or infinite, {@link InvalidArgumentError} if they would have to be
 * random; and as `findModel` and `loadCheckpointModel`
 */
export async function loadModel(options: LoadModelOptions): Promise<Model> {
  const found = await findModel(options);
  switch (found.kind) {
    case 'emoji-dit':
      return loadEmojiDitFrom(options, found.folder);
    case 'checkpoint':
      return loadCheckpointModel(found, options);
    case 'random':
      assertArgument(
        { model: options.model },
        'a model with weights',
        options.allowRandom,
        'Only benchmarks make random ones. Give a file and its architecture, or a model of the hub.',
      );
      return randomModel(found.architecture);
  }
}

/** A model with random weights, for measurements of speed and memory. The caller disposes it. */
export function randomModel(architecture: Architecture): Model {
  const { spec, process, guidance } = architecture;
  const seed = 0;
  const backbone = architecture.random(seed);
  const conditions = randomConditions(architecture);
  return {
    backbone,
    sha256: fingerprint({ random: spec.name, latent: spec.latent, seed }),
    random: true,
    conditions,
    process,
    defaultGuidance: guidance,
    dispose() {
      backbone.dispose();
      conditions.dispose();
    },
  };
}

function randomConditions({ spec, classes }: Architecture): Conditions {
  if (classes > 0) return classConditions({ count: classes });
  if (spec.condition.length === 0) return singleCondition();
  return promptConditions({ spec, prompts: randomPrompts(spec) });
}

async function loadEmojiDitFrom(
  options: LoadModelOptions,
  folder: string | undefined,
): Promise<Model> {
  const model = await loadEmojiDit({
    ...(folder !== undefined && { folder }),
    ...loaderOptions(options),
  });
  const { backbone, sha256, autoencoderSha256, classes, labelOf, config } = model;
  const names = { labelOf, nameOf: (label: number) => classes[label] as string };
  return {
    backbone,
    sha256,
    ...(folder !== undefined && { architectureSha256: fingerprint(config.dit) }),
    conditions: classConditions({ count: classes.length, names }),
    process: DIT_PROCESS,
    defaultGuidance: { scale: 3, channels: backbone.spec.latent.channels },
    decode: model.decode,
    decoder: {
      sha256: autoencoderSha256,
      configSha256: fingerprint(config.autoencoder),
      scale: config.scalingFactor,
    },
    encoder: encoderOf({
      autoencoder: model.autoencoder,
      scale: config.scalingFactor,
      latent: backbone.spec.latent,
    }),
    dispose: model.dispose,
  };
}

/**
 * Loads a transformer from a checkpoint with official names or diffusers', its prompts, and its autoencoder: the one that
 * the options name, else the one beside it.
 *
 * @throws {@link InvalidArgumentError} if it takes prompts and none are given
 * @throws as the loaders of `@harmonica/backbones` and `@harmonica/weights` do
 */
async function loadCheckpointModel(
  found: Extract<FoundModel, { kind: 'checkpoint' }>,
  options: LoadModelOptions,
): Promise<Model> {
  const sha256 = await hashFiles(await weightFiles(found.component));
  const owned: { dispose(): void }[] = [];
  const dispose = () => {
    for (const part of owned) part.dispose();
  };
  const own = <T extends { dispose(): void }>(part: T): T => {
    owned.push(part);
    return part;
  };
  try {
    const transformer = await found.component.load(async ({ source: stored }) => {
      const source = found.architecture.unwrapped(stored);
      const architecture = found.architecture.fittedTo(source);
      const { promptsFile } = options;
      const conditions = own(await conditionsOf(architecture, { source, promptsFile }));
      const backbone = own(await architecture.load({ source, ...loaderOptions(options) }));
      return { architecture, conditions, backbone };
    });
    const { latent } = transformer.backbone.spec;
    const coder = await loadCoder(found, options, latent);
    if (coder) own(coder);
    const { architecture, conditions, backbone } = transformer;
    return {
      backbone,
      sha256,
      architectureSha256: architecture.sha256,
      conditions,
      process: architecture.process,
      defaultGuidance: architecture.guidance,
      ...coder?.parts,
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Of a PixArt-alpha with its official names the caption that stands for none is among the weights. */
async function conditionsOf(
  { spec, classes }: Architecture,
  files: { readonly source: WeightSource; readonly promptsFile: string | undefined },
): Promise<Conditions> {
  if (classes > 0) return classConditions({ count: classes });
  if (spec.condition.length === 0) return singleCondition();
  const { source, promptsFile } = files;
  assertArgument(
    { promptsFile },
    `embeddings of prompts, because ${spec.name} makes images of text`,
    promptsFile !== undefined,
    'Give a safetensors file with prompt_embeds and prompt_attention_mask.',
  );
  const sha256 = await hashFiles([promptsFile]);
  const prompts = await readPromptsFile(promptsFile);
  const hasNull = source.names.some((name) => name.endsWith('.y_embedding'));
  if (prompts.negative || !hasNull) return promptConditions({ spec, prompts, sha256 });
  const negative = await readNullCaption({ source, prompts: prompts.positive });
  return promptConditions({ spec, prompts: { ...prompts, negative }, sha256 });
}

async function readPromptsFile(path: string): Promise<StoredPrompts> {
  const source = await openCheckpoint(path);
  try {
    return await readPrompts(source);
  } finally {
    await source.close();
  }
}

async function loadCoder(
  { parts }: Extract<FoundModel, { kind: 'checkpoint' }>,
  options: LoadModelOptions,
  latent: LatentSize,
) {
  const component = await autoencoderOf(parts, options);
  if (!component) return undefined;
  const { config, scalingFactor, tileSize }: AutoencoderKlPreset = autoencoderKlPresetOf(
    component.config,
  );
  const { vaeScale: scale = scalingFactor } = options;
  const sha256 = await hashFiles(await weightFiles(component));
  const autoencoder = await component.load(({ source }) =>
    loadAutoencoderKl({ config, source, ...loaderOptions(options) }),
  );
  return {
    parts: {
      tileSize,
      encoder: encoderOf({ autoencoder, scale, latent }),
      decode: (latent: Tensor4D): Tensor4D => tidy(() => autoencoder.decode(div(latent, scale))),
      decoder: {
        sha256,
        configSha256: fingerprint({ config, tileSize }),
        scale,
      },
    },
    dispose: () => autoencoder.dispose(),
  };
}

async function autoencoderOf(
  own: Extract<FoundModel, { kind: 'checkpoint' }>['parts'],
  options: LoadModelOptions,
): Promise<ModelComponent | undefined> {
  const { vae } = options;
  const parts = vae === undefined ? own : await openModel(vae, downloadOptions(options));
  if (parts.components.includes('vae')) return parts.component('vae');
  return vae === undefined ? undefined : parts.component();
}

/** The files that the weights of a component are in, sorted by name, for their hash; an index is none of them. */
export async function weightFiles(component: Pick<ModelComponent, 'files'>): Promise<string[]> {
  const files = await component.files();
  return files.filter((path) => !path.endsWith('.json')).sort();
}
