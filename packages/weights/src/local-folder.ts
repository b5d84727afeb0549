import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from './file-error.js';
import type { ModelFolder } from './model-folder.js';

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
