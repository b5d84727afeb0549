import { type Backbone, fingerprint, InvalidArgumentError } from '@harmonica/core';
import { loadEmojiDit } from '@harmonica/emoji-dit';
import { DIT_PROCESS, type ModelProcess } from '@harmonica/samplers';
import type { DownloadProgress } from '@harmonica/weights';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Architecture } from './architecture.js';
import { loadCheckpointModel } from './checkpoint-model.js';
import { findModel, type ModelName } from './find-model.js';
import { type Encoder, encoderOf } from './image-encoder.js';
import {
  classSubjects,
  promptSubjects,
  randomPrompts,
  type Subjects,
  singleSubject,
} from './subjects.js';

/** A loaded model, whatever it came from. */
export interface Model {
  readonly backbone: Backbone;
  /** `hashFiles` of the files of its transformer; of random weights a hash of what they are made from. */
  readonly sha256: string;
  /** Of its configuration, where that is not the one of a package: weights alone do not tell all of it. */
  readonly architectureSha256?: string | undefined;
  /** Whether the weights are random, so that its images are noise. */
  readonly random?: boolean;
  readonly subjects: Subjects;
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

/** How far loading has come. */
export interface ModelProgress {
  readonly loaded: number;
  readonly total: number;
}

/** Options of {@link loadModel}. */
export interface LoadModelOptions extends ModelOptions {
  /** Whether a published model by name alone is made with random weights. Default false: it is refused. */
  readonly allowRandom?: boolean | undefined;
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  readonly onProgress?: ((progress: ModelProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
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
      if (options.allowRandom) return randomModel(found.architecture);
      throw new InvalidArgumentError({
        argument: '--model',
        value: options.model,
        expected: 'a model with weights',
        fix: 'Only bench makes random ones. Give a file with --architecture, or a model of the hub.',
      });
  }
}

/** A model with random weights, for measurements of speed and memory. The caller disposes it. */
export function randomModel(architecture: Architecture): Model {
  const { spec, process, guidance } = architecture;
  const seed = 0;
  const backbone = architecture.random(seed);
  const subjects = randomSubjects(architecture);
  return {
    backbone,
    sha256: fingerprint({ random: spec.name, latent: spec.latent, seed }),
    random: true,
    subjects,
    process,
    defaultGuidance: guidance,
    dispose() {
      backbone.dispose();
      subjects.dispose();
    },
  };
}

function randomSubjects({ spec, classes }: Architecture): Subjects {
  if (classes > 0) return classSubjects({ count: classes });
  if (spec.condition.length === 0) return singleSubject();
  return promptSubjects({ spec, prompts: randomPrompts(spec) });
}

async function loadEmojiDitFrom(
  { onProgress, signal }: LoadModelOptions,
  folder: string | undefined,
): Promise<Model> {
  const model = await loadEmojiDit({
    ...(folder !== undefined && { folder }),
    ...(onProgress && { onProgress }),
    ...(signal && { signal }),
  });
  const { backbone, sha256, autoencoderSha256, classes, labelOf, config } = model;
  const names = { labelOf, nameOf: (label: number) => classes[label] as string };
  return {
    backbone,
    sha256,
    ...(folder !== undefined && { architectureSha256: fingerprint(config.dit) }),
    subjects: classSubjects({ count: classes.length, names }),
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
