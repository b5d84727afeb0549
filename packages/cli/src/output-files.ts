import { access, constants, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileError } from '@harmonica/core';
import { writeFileAtomic } from '@harmonica/weights';

/**
 * Makes a folder, and its parents, if need be, and checks that files can be made in it. Called before any long work.
 *
 * @throws {@link FileError}
 */
export async function prepareFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FileError({
      path,
      problem: `no files can be written there (${reason})`,
      fix: 'Choose a folder that can be written to.',
      cause,
    });
  }
}

/** {@link prepareFolder} for the folder that a file will be in. */
export function prepareFolderOf(path: string): Promise<void> {
  return prepareFolder(dirname(path));
}

/**
 * Writes a file that appears complete or not at all.
 *
 * @throws {@link FileError}
 */
export function writeOutput(path: string, content: string | Uint8Array): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return writeFileAtomic({ path, chunks: [bytes] });
}
