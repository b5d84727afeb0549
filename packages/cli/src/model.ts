import { stat } from 'node:fs/promises';
import { type Backbone, FileError, InvalidArgumentError } from '@harmonica/core';
import { loadEmojiDit } from '@harmonica/emoji-dit';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { ClassNames } from './class-names.js';
import { loadOfficialDit } from './official-dit.js';

/** A loaded model, whatever it came from. */
export interface Model {
  readonly backbone: Backbone;
  /** `hashFiles` of the DiT's files. */
  readonly sha256: string;
  readonly classes: ClassNames;
  /** Used where neither an option nor a router says otherwise. */
  readonly defaultGuidance: { readonly scale: number; readonly channels: number };
  /** Images `[B, H, W, 3]` towards [-1, 1] of latents. Absent if there is no autoencoder. */
  readonly decode?: ((latent: Tensor4D) => Tensor4D) | undefined;
  /** Frees the weights. */
  dispose(): void;
}

/** What to load. */
export interface ModelOptions {
  /** `emoji-dit`, a folder laid out like its weights, or a checkpoint with official names (then with `dit`). */
  readonly model: string;
  /** A published size or a JSON file: see `readDitConfig`. */
  readonly dit?: string | undefined;
  /** Part of a PyTorch checkpoint, such as `ema`. */
  readonly part?: string | undefined;
  /** Checkpoint of the autoencoder: a file, or a folder as diffusers writes it. */
  readonly vae?: string | undefined;
  /** Default: that of the autoencoder's `config.json`, else 0.18215. */
  readonly vaeScale?: number | undefined;
}

/** How far loading has come. */
export interface ModelProgress {
  readonly loaded: number;
  readonly total: number;
}

/** Options of {@link loadModel}. */
export interface LoadModelOptions extends ModelOptions {
  readonly onProgress?: ((progress: ModelProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Loads a model onto the current TensorFlow.js backend.
 *
 * @throws {@link FileError}, {@link CheckpointError}, {@link ConfigError}, {@link NonFiniteError} as the loaders do
 * @throws {@link InvalidArgumentError} if it is a bare checkpoint and `dit` is missing
 */
export async function loadModel(options: LoadModelOptions): Promise<Model> {
  const { model, dit } = options;
  if (dit !== undefined) return loadOfficialDit({ ...options, dit });
  if (model === 'emoji-dit') return loadEmojiDitFrom(options, undefined);
  if (await isFolder(model)) return loadEmojiDitFrom(options, model);
  throw new InvalidArgumentError({
    argument: '--dit',
    value: dit,
    expected: `the size of the checkpoint ${model}`,
    fix: 'Add it, such as --dit DiT-XL/2.',
  });
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
  const { backbone, sha256, classes } = model;
  return {
    backbone,
    sha256,
    classes: {
      count: classes.length,
      labelOf: model.labelOf,
      nameOf: (label) => classes[label] as string,
    },
    defaultGuidance: { scale: 3, channels: backbone.spec.latent.channels },
    decode: model.decode,
    dispose: model.dispose,
  };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    const fix = 'Give emoji-dit, a folder with a model, or a checkpoint.';
    throw new FileError({ path, problem: 'is no model and no such file', fix, cause });
  }
}
