import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidArgumentError } from '@harmonica/core';
import {
  type DownloadProgress,
  loadModel,
  type ModelComponent,
  type ModelParts,
} from '@harmonica/weights';
import type { Architecture } from './architecture.js';
import { isFile } from './is-file.js';
import { publishedArchitecture } from './published-architectures.js';
import { diffusersArchitecture, readArchitecture } from './read-architecture.js';

/** Which model. */
export interface ModelName {
  /**
   * `emoji-dit` or a folder laid out like its weights; a model of the hub, a folder in diffusers' layout or a file; or a
   * published model by name alone, which then has random weights.
   */
  readonly model: string;
  /** Where the files do not tell: a published model or a JSON file, as `readArchitecture` takes it. */
  readonly architecture?: string | undefined;
  /** The same. */
  readonly dit?: string | undefined;
  /** Part of a PyTorch checkpoint, such as `ema`. */
  readonly part?: string | undefined;
}

/** A model that is known to exist; no weights have been read. */
export type FoundModel =
  | { readonly kind: 'emoji-dit'; readonly folder?: string }
  | { readonly kind: 'random'; readonly architecture: Architecture }
  | {
      readonly kind: 'checkpoint';
      readonly architecture: Architecture;
      readonly parts: ModelParts;
      /** The transformer among the parts. */
      readonly component: ModelComponent;
    };

/** Options of {@link findModel}. */
export interface FindModelOptions extends ModelName {
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds a model and what it is. Of a model on the hub only the configuration is downloaded.
 *
 * @throws {@link FileError} if there is no such model
 * @throws {@link InvalidArgumentError} if `architecture` is missing or unknown
 * @throws {@link ConfigError}, {@link CheckpointError}, {@link DownloadError}, {@link AbortedError}
 */
export async function findModel(options: FindModelOptions): Promise<FoundModel> {
  const { model, architecture = options.dit } = options;
  if (architecture !== undefined) {
    return findCheckpoint(options, await readArchitecture(architecture));
  }
  if (model === 'emoji-dit') return { kind: 'emoji-dit' };
  if (await isEmojiDitFolder(model)) return { kind: 'emoji-dit', folder: model };
  const published = publishedArchitecture(model);
  if (published && !(await exists(model))) return { kind: 'random', architecture: published };
  return findCheckpoint(options);
}

async function findCheckpoint(
  options: FindModelOptions,
  named?: Architecture,
): Promise<FoundModel> {
  const { model, part, onDownload, signal } = options;
  const parts = await loadModel(model, {
    ...(part !== undefined && { select: part }),
    ...(onDownload && { onProgress: onDownload }),
    ...(signal && { signal }),
  });
  const component = parts.component(
    parts.components.includes('transformer') ? 'transformer' : undefined,
  );
  const architecture = named ?? diffusersArchitecture(component.config, parts.index);
  if (architecture) return { kind: 'checkpoint', architecture, parts, component };
  throw new InvalidArgumentError({
    argument: '--architecture',
    value: undefined,
    expected: `what ${model} is, because it has no configuration`,
    fix: 'Add it, such as --architecture DiT-XL/2.',
  });
}

/** Neither a pipeline of diffusers nor a component of one. */
async function isEmojiDitFolder(path: string): Promise<boolean> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder || (await isFile(join(path, 'model_index.json')))) return false;
  const config = await readFile(join(path, 'config.json'), 'utf8').catch(() => '');
  return !config.includes('"_class_name"');
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
