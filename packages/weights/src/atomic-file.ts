import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { throwIfAborted } from '@harmonica/core';
import { fileError } from './file-error.js';

/** What to write, and where. */
export interface AtomicWrite {
  readonly path: string;
  /** Written one after the other; may be made on demand. */
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

/**
 * Writes a file that appears complete or not at all: into a temporary file beside it, flushed to disk, then renamed
 * over `path`. If anything fails, the temporary file is removed and an older file stays as it was; only a killed process
 * leaves a `.tmp` behind.
 *
 * @throws {@link FileError} if the file cannot be written
 * @throws {@link AbortedError} if `signal` says so
 */
export async function writeFileAtomic(options: AtomicWrite): Promise<void> {
  const { path } = options;
  const target = await realpath(path).catch(() => path); // a link stays a link
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    await writeAll({ ...options, temporary });
    await renameFlushed({ from: temporary, to: target });
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw fileError({ path, action: 'written', cause });
  }
}

/** Renames a file that is on the disk already, so that the new name is too. */
export async function renameFlushed({ from, to }: { from: string; to: string }): Promise<void> {
  await rename(from, to);
  await flushFolder(dirname(to));
}

async function writeAll(options: AtomicWrite & { temporary: string }): Promise<void> {
  const { path, temporary, chunks, signal } = options;
  const handle = await open(temporary, 'wx');
  try {
    for await (const chunk of chunks) {
      throwIfAborted(signal, `Writing ${path}`);
      await handle.writeFile(chunk); // appends; unlike `write` it loops over partial writes
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a rename itself durable, where the system can. */
async function flushFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
