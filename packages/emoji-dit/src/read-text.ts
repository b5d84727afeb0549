import { readFile } from 'node:fs/promises';
import { FileError } from '@harmonica/core';

/** Reads a text file. @throws {@link FileError} */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FileError({
      path,
      problem: `cannot be read (${reason})`,
      fix: 'Check the path.',
      cause,
    });
  }
}
