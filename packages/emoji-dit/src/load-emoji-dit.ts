import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type AutoencoderKl,
  type LoadProgress,
  loadAutoencoderKl,
  loadDit,
} from '@harmonica/backbones';
import {
  type Backbone,
  CheckpointError,
  FileError,
  InvalidArgumentError,
  type WeightSource,
} from '@harmonica/core';
import {
  hashFiles,
  nearestNames,
  openSafetensors,
  openSafetensorsShards,
} from '@harmonica/weights';
import { div, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import { type EmojiDitConfig, emojiDitConfig, WEIGHTS_FOLDER } from './emoji-dit-config.js';

/** The loaded model. Its weights live on the TensorFlow.js backend that was current when it was loaded. */
export interface EmojiDit {
  readonly config: EmojiDitConfig;
  readonly backbone: Backbone;
  readonly autoencoder: AutoencoderKl;
  /** Names in label order. */
  readonly classes: readonly string[];
  /** Identifies the DiT's weights in the provenance of routers: `hashFiles` of its files, 64 hexadecimal digits. */
  readonly sha256: string;
  /** The same of the autoencoder. */
  readonly autoencoderSha256: string;
  /** The label of a class name. @throws {@link InvalidArgumentError} that lists similar names */
  labelOf(name: string): number;
  /**
   * Images of latents as the DiT makes them: divides by the scaling factor and decodes.
   *
   * @param latent `[B, 16, 16, 4]`. Not disposed.
   * @returns `[B, 128, 128, 3]`, trained towards [-1, 1] and not clipped; the caller disposes it
   */
  decode(latent: Tensor4D): Tensor4D;
  /** Frees all weights. */
  dispose(): void;
}

/** How far loading has come: tensors of the DiT, then of the autoencoder. */
export interface EmojiDitProgress extends LoadProgress {
  readonly part: 'dit' | 'autoencoder';
}

/** Options of {@link loadEmojiDit}. */
export interface LoadEmojiDitOptions {
  /**
   * A folder with `config.json`, `dit.safetensors` or `dit-1.safetensors`, `dit-2.safetensors`, …, and
   * `vae.safetensors`. Default: the weights that come with this package.
   */
  readonly folder?: string;
  /** Called after each tensor. */
  readonly onProgress?: (progress: EmojiDitProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Loads the model onto the current TensorFlow.js backend.
 *
 * @returns the model; the caller disposes it
 * @throws {@link FileError} if a file cannot be read
 * @throws {@link ConfigError} if `config.json` is malformed
 * @throws {@link CheckpointError}, {@link NonFiniteError} if weights are missing, damaged or of another model
 * @throws {@link AbortedError}
 */
export async function loadEmojiDit(options: LoadEmojiDitOptions = {}): Promise<EmojiDit> {
  const { folder = WEIGHTS_FOLDER } = options;
  const config = await emojiDitConfig(folder);
  const ditFiles = await findDitFiles(folder);
  const sha256 = await hashFiles(ditFiles);
  const backbone = await closing(await openSafetensorsShards(ditFiles), (source) =>
    loadDit({ config: config.dit, source, ...loadingOptions(options, 'dit') }),
  );
  try {
    const file = join(folder, 'vae.safetensors');
    const autoencoder = await closing(await openSafetensors(file), (source) =>
      loadAutoencoderKl({
        config: config.autoencoder,
        source,
        ...loadingOptions(options, 'autoencoder'),
      }),
    );
    const autoencoderSha256 = await hashFiles([file]);
    return assemble({ config, backbone, autoencoder, sha256, autoencoderSha256 });
  } catch (error) {
    backbone.dispose();
    throw error;
  }
}

function assemble(
  parts: Pick<EmojiDit, 'config' | 'backbone' | 'autoencoder' | 'sha256' | 'autoencoderSha256'>,
): EmojiDit {
  const { config, backbone, autoencoder } = parts;
  const { classes, scalingFactor } = config;
  return {
    ...parts,
    classes,
    labelOf: (name) => labelOf({ name, classes }),
    decode: (latent) => tidy(() => autoencoder.decode(div(latent, scalingFactor))),
    dispose() {
      backbone.dispose();
      autoencoder.dispose();
    },
  };
}

function loadingOptions(
  { onProgress, signal }: LoadEmojiDitOptions,
  part: EmojiDitProgress['part'],
) {
  return {
    ...(onProgress && {
      onProgress: (progress: LoadProgress) => onProgress({ part, ...progress }),
    }),
    ...(signal && { signal }),
  };
}

async function closing<T>(
  source: WeightSource,
  use: (source: WeightSource) => Promise<T>,
): Promise<T> {
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

/** `dit.safetensors`, or its parts in order. */
async function findDitFiles(folder: string): Promise<string[]> {
  const names = await listFolder(folder);
  const files = names.flatMap((name) => {
    const part = /^dit(?:-(\d+))?\.safetensors$/.exec(name);
    return part ? [{ name, number: Number(part[1] ?? 0) }] : [];
  });
  if (files.length === 0) {
    throw new CheckpointError({
      path: folder,
      problem: 'has no dit.safetensors and no dit-1.safetensors',
      fix: 'Give the folder of a trained emoji-dit.',
    });
  }
  return files.sort((a, b) => a.number - b.number).map(({ name }) => join(folder, name));
}

async function listFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (cause) {
    throw new FileError({ path, problem: 'cannot be listed', fix: 'Check the path.', cause });
  }
}

/** What {@link labelOf} looks for, and among what. */
interface LabelOfOptions {
  readonly name: string;
  /** In label order. */
  readonly classes: readonly string[];
}

/**
 * The label of a class.
 *
 * @returns an integer in [0, classes.length)
 * @throws {@link InvalidArgumentError} that lists the most similar names, if there is no class of this name
 */
export function labelOf({ name, classes }: LabelOfOptions): number {
  const label = classes.indexOf(name);
  if (label >= 0) return label;
  const similar = nearestNames({ name, names: classes, limit: 5, alike: true });
  throw new InvalidArgumentError({
    argument: 'class',
    value: name,
    expected: `one of the ${classes.length} classes of the model`,
    fix:
      similar.length > 0 ? `Similar: ${similar.join(', ')}.` : `There is: ${classes.join(', ')}.`,
  });
}
