import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { fileError } from './file-error.js';

/**
 * Identifies the content of files in a given order, for provenance: the SHA-256 in hex of the files' own SHA-256 in
 * hex, one after the other. The shell's word for it is `sha256sum FILES | cut -c-64 | tr -d '\n' | sha256sum`.
 *
 * @param paths files, streamed rather than loaded
 * @throws {@link FileError} if a file cannot be read
 */
export async function hashFiles(paths: readonly string[]): Promise<string> {
  const total = createHash('sha256');
  for (const path of paths) {
    total.update(await hashFile({ path, hash: createHash('sha256') }));
  }
  return total.digest('hex');
}

/**
 * The digest of a file's content, after whatever `hash` was fed before.
 *
 * @returns hexadecimal digits
 * @throws {@link FileError} if the file cannot be read
 */
export async function hashFile({ path, hash }: { path: string; hash: Hash }): Promise<string> {
  try {
    await pipeline(createReadStream(path), hash);
  } catch (cause) {
    throw fileError({ path, action: 'read', cause });
  }
  return hash.digest('hex');
}
