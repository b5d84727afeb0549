import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
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
    files: nested
      ? await filesWithin(path)
      : entries.filter(({ isFolder }) => !isFolder).map(({ name }) => name),
    locate: async (files) => files.map((file) => join(path, file)),
  };
}

/**
 * The files of a folder and of those within it. Links are followed, to files and to folders, but not to a folder that they
 * lie in. What is neither file nor folder, such as a pipe, is left out.
 *
 * @returns names relative to the folder, with slashes, in their order within each folder
 * @throws {@link FileError} if a folder cannot be read
 */
export function filesWithin(path: string): Promise<string[]> {
  return filesBelow(path, []);
}

/** @param around the folders that this one lies in, without links */
async function filesBelow(path: string, around: readonly string[]): Promise<string[]> {
  const folder = await realpath(path).catch(() => path);
  if (around.includes(folder)) return [];
  const files = (await list(path)).map(async ({ name, isFolder }) => {
    if (!isFolder) return [name];
    const inside = await filesBelow(join(path, name), [...around, folder]);
    return inside.map((file) => `${name}/${file}`);
  });
  return (await Promise.all(files)).flat();
}

/** A file or folder, or a link to one. */
interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

async function list(path: string): Promise<FolderEntry[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    const found = await Promise.all(entries.map((entry) => entryOf(path, entry)));
    return found.filter((entry) => entry !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    throw fileError({ path, action: 'read', cause });
  }
}

/** A link that leads nowhere counts as a file, so that reading it says so. */
async function entryOf(path: string, entry: Dirent): Promise<FolderEntry | undefined> {
  const { name } = entry;
  const target = entry.isSymbolicLink()
    ? await stat(join(path, name)).catch(() => undefined)
    : entry;
  if (target?.isDirectory()) return { name, isFolder: true };
  return !target || target.isFile() ? { name, isFolder: false } : undefined;
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

/** Shards have an index, in whose name the variant stands at another place: behind `index`, or before it in older files. */
function customaryNames(variant: string | undefined): string[] {
  const mark = variant === undefined ? '' : `.${variant}`;
  return ['.safetensors', '.bin'].flatMap((suffix) =>
    STEMS.flatMap((stem) => [
      `${stem}${suffix}.index${mark}.json`,
      `${stem}${suffix}${mark}.index.json`,
      `${stem}${mark}${suffix}`,
    ]),
  );
}

/** Whether a model has weights of a variant, of any of its components. */
export function hasVariant({ files }: Pick<ModelFolder, 'files'>, variant: string): boolean {
  const names = new Set(customaryNames(variant));
  return files.some((file) => names.has(file.slice(file.lastIndexOf('/') + 1)));
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
