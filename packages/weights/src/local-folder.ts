import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from './files.js';

/** File by which a folder is known to have components in folders of their own. */
export const MODEL_INDEX = 'model_index.json';

/**
 * A model in a folder of this machine.
 *
 * @param options.nested whether folders within are looked into. Default: if there is a {@link MODEL_INDEX}
 * @throws {@link FileError} if it cannot be read
 */
export async function openLocalFolder(options: {
  path: string;
  nested?: boolean;
}): Promise<ModelFolder> {
  const { path } = options;
  const entries = await list(path);
  const { nested = entries.some(({ name }) => name === MODEL_INDEX) } = options;
  return {
    name: path,
    files: nested ? await filesWithin({ path, entries }) : entries.filter(isFile).map(nameOf),
    locate: async (files) => files.map((file) => join(path, file)),
  };
}

async function filesWithin(options: {
  path: string;
  entries: readonly Dirent[];
}): Promise<string[]> {
  const { path, entries } = options;
  const files = entries.map(async (entry) => {
    const { name } = entry;
    if (isFile(entry)) return [name];
    if (!entry.isDirectory()) return [];
    const folder = join(path, name);
    const inside = await filesWithin({ path: folder, entries: await list(folder) });
    return inside.map((file) => `${name}/${file}`);
  });
  return (await Promise.all(files)).flat();
}

async function list(path: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    throw fileError({ path, action: 'read', cause });
  }
}

/** A link may be one to a file: the cache of Hugging Face is made of such. */
function isFile(entry: Dirent): boolean {
  return entry.isFile() || entry.isSymbolicLink();
}

function nameOf({ name }: Dirent): string {
  return name;
}

/** The files of a model, on this machine or on a hub. */
export interface ModelFolder {
  /** Path or name, for error messages. */
  readonly name: string;
  /** The commit of a hub, if it comes from one. */
  readonly commit?: string;
  /** Relative to the model, with slashes: what lies in it and in its folders. */
  readonly files: readonly string[];
  /** Paths on this machine of some of the files, after downloading what is missing. */
  locate(files: readonly string[]): Promise<string[]>;
}

/** Names, without their ends, under which diffusers and transformers save weights. */
const STEMS = ['diffusion_pytorch_model', 'model', 'pytorch_model'];

/** Ends of weight files, the preferred first. */
const SUFFIXES = ['.safetensors', '.pth', '.pt', '.ckpt', '.bin'];

/** Whether a file holds weights, by its name. */
export function isWeightFile(file: string): boolean {
  return SUFFIXES.some((suffix) => file.endsWith(suffix));
}

/**
 * The file of a folder that holds the weights, or the index of several: by the names that diffusers and transformers use,
 * safetensors first; else the only file of the preferred kind that is there.
 *
 * @param options.files names in the folder
 * @param options.variant such as `fp16`, as it stands in the name; none by default
 * @returns undefined if there is none, or no telling which
 */
export function findWeights(options: {
  files: readonly string[];
  variant?: string | undefined;
}): string | undefined {
  const { files, variant } = options;
  const known = new Set(files);
  return customaryNames(variant).find((name) => known.has(name)) ?? onlyWeights(options);
}

/** Shards have an index, in whose name the variant stands at another place. */
function customaryNames(variant: string | undefined): string[] {
  const mark = variant === undefined ? '' : `.${variant}`;
  return ['.safetensors', '.bin'].flatMap((suffix) =>
    STEMS.flatMap((stem) => [`${stem}${suffix}.index${mark}.json`, `${stem}${mark}${suffix}`]),
  );
}

function onlyWeights(options: {
  files: readonly string[];
  variant?: string | undefined;
}): string | undefined {
  const { files, variant } = options;
  if (variant !== undefined) return undefined;
  for (const suffix of SUFFIXES) {
    const [first, ...others] = files.filter((file) => file.endsWith(suffix));
    if (first !== undefined) return others.length === 0 ? first : undefined;
  }
  return undefined;
}
