import { readFile } from 'node:fs/promises';
import { FileError } from '@harmonica/core';

/**
 * The bytes of a file.
 *
 * @param fix what to do if there are none. Default `Check the path.`
 * @throws {@link FileError} that says why it cannot be read
 */
export async function readBytes(path: string, fix?: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw unreadable(path, cause, fix);
  }
}

/** {@link readBytes} as text. */
export async function readText(path: string, fix?: string): Promise<string> {
  return Buffer.from(await readBytes(path, fix)).toString('utf8');
}

/** A file or folder that Node or a decoder could not read. */
export function unreadable(path: string, cause: unknown, fix = 'Check the path.'): FileError {
  const problem = `cannot be read (${cause instanceof Error ? cause.message : String(cause)})`;
  return new FileError({ path, problem, fix, cause });
}
