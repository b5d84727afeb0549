import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FileError } from '@harmonica/core';

/**
 * The files that a checkpoint is made of, for its hash: the file itself, or all `.safetensors` files of a folder, sorted
 * by name. An index stands for the shards beside it.
 *
 * @throws {@link FileError} if there is no such checkpoint
 */
export async function checkpointFiles(path: string): Promise<string[]> {
  try {
    const folder = path.endsWith('.safetensors.index.json') ? dirname(path) : path;
    if (!(await stat(folder)).isDirectory()) return [path];
    const names = (await readdir(folder)).filter((name) => name.endsWith('.safetensors'));
    return names.sort().map((name) => join(folder, name));
  } catch (cause) {
    throw new FileError({ path, problem: 'cannot be read', fix: 'Check the path.', cause });
  }
}
