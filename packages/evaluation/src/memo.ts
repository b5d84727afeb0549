import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '@harmonica/core';
import { isFile, writeOutput } from '@harmonica/pipeline';

/** Options of {@link remembered}. */
interface RememberedOptions<T> {
  /** That exists. */
  readonly folder: string;
  /** Everything that the value depends on. Plain JSON. */
  readonly key: unknown;
  readonly make: () => Promise<T>;
}

/** The file of {@link remembered}. */
export function memoPath({ folder, key }: Pick<RememberedOptions<unknown>, 'folder' | 'key'>) {
  return join(folder, `${fingerprint(key).slice(0, 16)}.json`);
}

/** A value of plain JSON that is made once: later it is read from a file that is named after what it depends on. */
export async function remembered<T>({ folder, key, make }: RememberedOptions<T>): Promise<T> {
  const path = memoPath({ folder, key });
  if (await isFile(path)) return JSON.parse(await readFile(path, 'utf8')) as T;
  const value = await make();
  await writeOutput(path, `${JSON.stringify(value)}\n`);
  return value;
}

/** What a function makes at its first call, at every call. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
