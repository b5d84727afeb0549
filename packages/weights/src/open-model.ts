import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import {
  CheckpointError,
  FileError,
  HarmonicaError,
  InvalidArgumentError,
  throwIfAborted,
  type WeightSource,
} from '@harmonica/core';
import { fileError } from './files.js';
import { openHubFolder } from './hub/hub-folder.js';
import { type HubOptions, hubSettings } from './hub/hub-requests.js';
import { type JsonObject, parseJsonObject } from './json-object.js';
import {
  findWeights,
  hasVariant,
  isWeightFile,
  MODEL_INDEX,
  type ModelFolder,
  openLocalFolder,
} from './local-folder.js';
import { openCheckpoint } from './open-checkpoint.js';
import { readIndex } from './safetensors/safetensors-file.js';
import { nearestNames } from './weight-source.js';

/** Options of {@link openModel}. Those of {@link HubOptions} matter for models of a hub only. */
export interface OpenModelOptions extends HubOptions {
  /**
   * Which of several forms of the weights, by the mark in their names, such as `fp16`. A component that has none, where others
   * have, is read without it, as diffusers does. Default: the form without a mark.
   */
  readonly variant?: string;
  /** Which part of PyTorch files, such as `ema`. Default: everything. */
  readonly select?: string;
}

/** Where a model is: owner, name and, for one file of many, the path within. */
const HUB_NAME = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:\/(.+))?$/;

/**
 * Finds a model and reads its configurations. Weights are downloaded when they are opened, and read when their tensors are.
 *
 * @param model a folder in diffusers' layout (`model_index.json` and a folder for each component) or with the files of one
 *   component; one file (`.safetensors`, `.pt`, `.pth`); or the name of a model on the hub (`facebook/DiT-XL-2-256`), with
 *   the path of a file where one file is the model (`owner/name/model.pth`). What exists on this machine goes first.
 * @throws {@link FileError} if there is no such file or folder, or it cannot be read
 * @throws {@link DownloadError} if the hub does not give it
 * @throws {@link CheckpointError} if `model_index.json` is malformed, or the hub's model has no such file
 * @throws {@link InvalidArgumentError} if an option is outside its range
 * @throws {@link AbortedError}
 */
export async function openModel(
  model: string,
  options: OpenModelOptions = {},
): Promise<ModelParts> {
  const { variant, select, ...hubOptions } = options;
  throwIfAborted(options.signal, `Loading ${model}`);
  return partsOf({ ...(await findModel(model, hubOptions)), variant, select });
}

/** The folder that a model is in, and its file there if it is only one. */
interface FoundModel {
  readonly folder: ModelFolder;
  readonly file?: string;
}

async function findModel(model: string, options: HubOptions): Promise<FoundModel> {
  const stats = await stat(model).catch(() => undefined);
  if (stats?.isDirectory()) return { folder: await openLocalFolder({ path: model }) };
  if (stats) {
    return { folder: await openLocalFolder({ path: dirname(model) }), file: basename(model) };
  }
  const [, repository, file] = HUB_NAME.exec(model) ?? [];
  if (repository === undefined || isWeightFile(repository)) throw notFound(model);
  const folder = await openHubFolder({ repository, settings: await hubSettings(options) });
  if (file === undefined) return { folder };
  if (folder.files.includes(file)) return { folder, file };
  throw new CheckpointError({
    path: `${folder.name}/${file}`,
    problem: 'the model has no such file',
    fix: `The nearest of its files: ${nearestNames({ name: file, names: folder.files }).join(', ')}.`,
  });
}

function notFound(model: string): FileError {
  return new FileError({
    path: model,
    problem: 'there is no such file or folder',
    fix: 'Check the path, or give the name of a model on the hub, such as facebook/DiT-XL-2-256.',
  });
}

/** A model's components: configurations at hand, weights still to be read. */
export interface ModelParts {
  /** Path, or address on the hub. */
  readonly name: string;
  /** The commit on the hub, 40 hexadecimal digits, if it comes from there: with it, the same model is found again. */
  readonly commit?: string;
  /** `model_index.json`, or `{}` without one. */
  readonly index: JsonObject;
  /** Such as `transformer`, `vae` and `scheduler`; `model` for a file or a folder without `model_index.json`. */
  readonly components: readonly string[];
  /**
   * One of the components.
   *
   * @param name may be left out if there is only one
   * @throws {@link InvalidArgumentError} if there is no such component; {@link CheckpointError}, {@link DownloadError} if its
   *   configuration cannot be read
   */
  component(name?: string): ModelComponent;
}

/** A part of a model that has a configuration, weights, or both. */
export interface ModelComponent {
  readonly name: string;
  /** As diffusers or transformers wrote it; `{}` without one. */
  readonly config: JsonObject;
  /**
   * The files of the weights on this machine, downloaded if they must be: the file, or an index and then its shards.
   *
   * @throws {@link CheckpointError} if there are none, or no telling which
   * @throws {@link DownloadError} if the hub does not give them
   * @throws {@link FileError}, {@link AbortedError}
   */
  files(): Promise<string[]>;
  /**
   * Opens the weights. The caller closes them.
   *
   * @throws {@link CheckpointError} if they are damaged, and as {@link ModelComponent.files}
   */
  open(): Promise<WeightSource>;
  /**
   * Opens the weights, builds something of them, and closes them, also if building fails.
   *
   * @throws what `build` throws, and as {@link ModelComponent.open}
   */
  load<T>(build: (weights: ComponentWeights) => Promise<T>): Promise<T>;
}

/** What a loader makes a component of. */
export interface ComponentWeights {
  readonly config: JsonObject;
  readonly source: WeightSource;
}

interface PartsOptions {
  readonly folder: ModelFolder;
  /** The file of the folder that is the whole model, if it is one. */
  readonly file?: string;
  readonly variant: string | undefined;
  readonly select: string | undefined;
}

/** Files in which components keep their configuration, by the library's kinds of components. */
const CONFIGS = [
  'config.json',
  'scheduler_config.json',
  'tokenizer_config.json',
  'preprocessor_config.json',
];

/** Reads the configurations of a model. @throws {@link CheckpointError} if `model_index.json` is malformed */
async function partsOf(options: PartsOptions): Promise<ModelParts> {
  const { folder, file } = options;
  const isPipeline = file === undefined && folder.files.includes(MODEL_INDEX);
  const index = isPipeline ? await readJson(folder, MODEL_INDEX) : {};
  const names = isPipeline ? componentNames({ folder, index }) : ['model'];
  const components = new Map<string, ModelComponent | HarmonicaError>();
  for (const name of names) {
    const prefix = isPipeline ? `${name}/` : '';
    components.set(name, await createComponent({ ...options, name, prefix }).catch(keptError));
  }
  return {
    name: file === undefined ? folder.name : `${folder.name}/${file}`,
    ...(folder.commit !== undefined && { commit: folder.commit }),
    index,
    components: [...components.keys()],
    component: (name) => findComponent(components, name),
  };
}

/** A component that cannot be read stops those who ask for it, and nobody else. */
function keptError(error: unknown): HarmonicaError {
  if (HarmonicaError.isInstance(error) && error.code !== 'aborted') return error;
  throw error;
}

/** Entries of components are `[library, class]`, with `null` for one that is left out; each has its folder. */
function componentNames(options: { folder: ModelFolder; index: JsonObject }): string[] {
  const { folder, index } = options;
  return Object.entries(index)
    .filter(([, value]) => Array.isArray(value) && value.length === 2 && value.every(isText))
    .map(([name]) => name)
    .filter((name) => folder.files.some((file) => file.startsWith(`${name}/`)));
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

async function createComponent(
  options: PartsOptions & { name: string; prefix: string },
): Promise<ModelComponent> {
  const { name, select } = options;
  const config = await readConfig(options);
  const files = () => locateWeights(options);
  const open = async () => {
    const [path] = await files();
    return openCheckpoint(path as string, select === undefined ? {} : { select });
  };
  const load = async <T>(build: (weights: ComponentWeights) => Promise<T>) => {
    const source = await open();
    try {
      return await build({ config, source });
    } finally {
      await source.close();
    }
  };
  return { name, config, files, open, load };
}

/** What stands beside a file that is the whole model need not belong to it. */
async function readConfig(options: PartsOptions & { prefix: string }): Promise<JsonObject> {
  const { folder, file, prefix } = options;
  if (file !== undefined) return {};
  const found = CONFIGS.map((name) => prefix + name).find((name) => folder.files.includes(name));
  return found === undefined ? {} : readJson(folder, found);
}

function findComponent(
  components: ReadonlyMap<string, ModelComponent | HarmonicaError>,
  name: string | undefined,
): ModelComponent {
  const names = [...components.keys()];
  const wanted = name ?? (names.length === 1 ? names[0] : undefined);
  const component = wanted === undefined ? undefined : components.get(wanted);
  if (HarmonicaError.isInstance(component)) throw component;
  if (component) return component;
  throw new InvalidArgumentError({
    argument: 'name',
    value: name,
    expected: `one of ${names.join(', ')}`,
    ...(name !== undefined &&
      names.length > 0 && { fix: `Do you mean ${nearestNames({ name, names, limit: 1 })}?` }),
  });
}

/** The file with the weights; or an index, then its shards, which are known once the index is here. */
async function locateWeights(options: PartsOptions & { prefix: string }): Promise<string[]> {
  const { folder, prefix } = options;
  const main = mainFile(options);
  const paths = await folder.locate([main]);
  if (!main.endsWith('.json')) return paths;
  const shards = [...new Set((await readIndex(paths[0] as string)).values())];
  const missing = shards.find((shard) => !folder.files.includes(prefix + shard));
  if (missing !== undefined) {
    throw new CheckpointError({
      path: `${folder.name}/${main}`,
      problem: `the index lists ${missing}, which is not there`,
      fix: 'The model is incomplete; get it again.',
    });
  }
  return [...paths, ...(await folder.locate(shards.map((shard) => prefix + shard)))];
}

/** The file of the weights, or their index, within the model. */
function mainFile(options: PartsOptions & { prefix: string }): string {
  const { folder, file, prefix, variant } = options;
  if (file !== undefined) return file;
  const files = folder.files
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length))
    .filter((path) => !path.includes('/'));
  const own = findWeights({ files, variant });
  const isOfOthers = own === undefined && variant !== undefined && hasVariant(folder, variant);
  const found = isOfOthers ? findWeights({ files }) : own;
  if (found !== undefined) return prefix + found;
  const kind = variant === undefined ? '' : ` of variant "${variant}"`;
  throw new CheckpointError({
    path: `${folder.name}/${prefix}`,
    problem: `no telling which of these holds the weights${kind}: ${files.join(', ')}`,
    fix: `Choose ${variant === undefined ? 'a' : 'another'} variant, or give the path of the file itself.`,
  });
}

async function readJson(folder: ModelFolder, file: string): Promise<JsonObject> {
  const [path] = (await folder.locate([file])) as [string];
  try {
    return parseJsonObject({ path, what: 'configuration', bytes: await readFile(path) });
  } catch (cause) {
    throw fileError({ path, action: 'read', cause });
  }
}
