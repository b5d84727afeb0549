import { readFile } from 'node:fs/promises';
import { CheckpointError, InvalidArgumentError, type WeightSource } from '@harmonica/core';
import { fileError } from './file-error.js';
import { type JsonObject, parseJsonObject } from './json-object.js';
import { MODEL_INDEX } from './local-folder.js';
import type { ModelFolder } from './model-folder.js';
import { nearestNames } from './nearest-names.js';
import { openCheckpoint } from './open-checkpoint.js';
import { readIndex } from './safetensors-shards.js';
import { findWeights } from './weight-files.js';

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
   * @throws {@link InvalidArgumentError} if there is no such component
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

/**
 * Reads the configurations of a model.
 *
 * @throws {@link CheckpointError} if one is malformed
 */
export async function partsOf(options: PartsOptions): Promise<ModelParts> {
  const { folder, file } = options;
  const isPipeline = file === undefined && folder.files.includes(MODEL_INDEX);
  const index = isPipeline ? await readJson(folder, MODEL_INDEX) : {};
  const names = isPipeline ? componentNames({ folder, index }) : ['model'];
  const components = new Map<string, ModelComponent>();
  for (const name of names) {
    const prefix = isPipeline ? `${name}/` : '';
    components.set(name, await createComponent({ ...options, name, prefix }));
  }
  return {
    name: file === undefined ? folder.name : `${folder.name}/${file}`,
    ...(folder.commit !== undefined && { commit: folder.commit }),
    index,
    components: [...components.keys()],
    component: (name) => findComponent(components, name),
  };
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
  components: ReadonlyMap<string, ModelComponent>,
  name: string | undefined,
): ModelComponent {
  const names = [...components.keys()];
  const wanted = name ?? (names.length === 1 ? names[0] : undefined);
  const component = wanted === undefined ? undefined : components.get(wanted);
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
  const found = findWeights({ files, variant });
  if (found !== undefined) return prefix + found;
  const kind = variant === undefined ? '' : ` of variant "${variant}"`;
  throw new CheckpointError({
    path: `${folder.name}/${prefix}`,
    problem: `no telling which of these holds the weights${kind}: ${files.join(', ')}`,
    fix: 'Choose another variant, or give the path of the file itself.',
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
