import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  assertArgument,
  type BackboneSpec,
  InvalidArgumentError,
  type LongCallOptions,
  type Prediction,
  type Provenance,
} from '@harmonica/core';
import { emojiDitConfig } from '@harmonica/emoji-dit';
import { type ModelComponent, type ModelParts, openModel } from '@harmonica/weights';
import { isFile } from '../files.js';
import type { Architecture, LatentSize, SamplingFacts } from './architecture.js';
import { architectureOf } from './architecture.js';
import { downloadOptions } from './loading-progress.js';
import { diffusersArchitecture, publishedArchitecture, readArchitecture } from './registry.js';

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
  /** Form of the weights, by the mark in their names, such as `fp16`. Default: the form without a mark. */
  readonly variant?: string | undefined;
  /** What the model's output stands for, where its files do not tell, or against them. */
  readonly prediction?: Prediction | undefined;
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
interface FindModelOptions extends ModelName, LongCallOptions {}

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
  const { model, part, variant, prediction } = options;
  const parts = await openModel(model, {
    ...(part !== undefined && { select: part }),
    ...(variant !== undefined && { variant }),
    ...downloadOptions(options),
  });
  const component = parts.component(
    parts.components.includes('transformer') ? 'transformer' : undefined,
  );
  const architecture = named ?? diffusersArchitecture(component.config, parts.index);
  const expected = `what ${model} is, because it has no configuration`;
  assertArgument({ architecture }, expected, architecture, 'Name it, such as DiT-XL/2.');
  const facts = { scheduler: schedulerOf(parts), prediction };
  return { kind: 'checkpoint', architecture: architecture.sampledBy(facts), parts, component };
}

/** The configuration of the scheduler that a pipeline in diffusers' layout has. */
function schedulerOf({ name, components, component }: ModelParts): SamplingFacts['scheduler'] {
  if (!components.includes('scheduler')) return undefined;
  const { config } = component('scheduler');
  return { config, source: `${name}/scheduler/scheduler_config.json` };
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

/** Options of {@link modelSpec}. */
export interface ModelSpecOptions {
  /** As `findModel` takes it, or a JSON file as `readArchitecture` does. Default: the model in the provenance. */
  readonly model?: string | undefined;
  readonly provenance?: Pick<Provenance, 'model' | 'latent'> | undefined;
  /** Of a published model or a JSON file. Default: the provenance's, else the architecture's own. */
  readonly latent?: LatentSize | undefined;
}

/**
 * The spec of a model without its weights, for branches and costs.
 *
 * @throws {@link InvalidArgumentError} if the model is not known by its name
 */
export async function modelSpec(options: ModelSpecOptions): Promise<BackboneSpec> {
  return (await modelArchitecture(options)).spec;
}

/** The architecture of a model without its weights. @throws as {@link modelSpec}, and as `findModel` */
export async function modelArchitecture(options: ModelSpecOptions): Promise<Architecture> {
  const { provenance, model = provenance?.model.name } = options;
  const { latent = provenance?.latent } = options;
  if (model !== undefined && (publishedArchitecture(model) || model.endsWith('.json'))) {
    const architecture = await readArchitecture(model);
    return latent ? architecture.resized(latent) : architecture;
  }
  if (model !== undefined && (model === 'emoji-dit' || options.model !== undefined)) {
    return foundArchitecture(await findModel({ model }));
  }
  throw new InvalidArgumentError({
    argument: 'model',
    value: model,
    expected: 'emoji-dit, a published model such as DiT-XL/2, a folder or a .json file',
    fix: 'Branches and costs come from the model; say which one it is.',
  });
}

async function foundArchitecture(found: FoundModel): Promise<Architecture> {
  if (found.kind !== 'emoji-dit') return found.architecture;
  return architectureOf('dit', (await emojiDitConfig(found.folder)).dit);
}
