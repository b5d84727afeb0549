import { createHash, type Hash, randomUUID } from 'node:crypto';
import { createReadStream, fsync } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm } from 'node:fs/promises';
import { dirname, isAbsolute, normalize, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FileError, throwIfAborted } from '@harmonica/core';

/** What to write, and where. */
export interface AtomicWrite {
  readonly path: string;
  /** Written one after the other; may be made on demand. */
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
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
    await flush(handle);
  } finally {
    await handle.close();
  }
}

/** Waits until a file is on the disk, by its descriptor: file handles of Yarn's Plug'n'Play have no `sync`. */
export function flush({ fd }: FileHandle): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(fd, (error) => (error ? reject(error) : resolve()));
  });
}

/** Makes a rename itself durable, where the system can. */
async function flushFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (!handle) return;
  await flush(handle).catch(() => {});
  await handle.close();
}

const fixes: Readonly<Record<string, string>> = {
  ENOENT: 'Check the path.',
  EISDIR: 'Give the path of a file.',
  EACCES: 'Check the permissions, or use another folder.',
  EPERM: 'Check the permissions, or use another folder.',
  EROFS: 'Use a folder on another disk.',
  ENOSPC: 'Free some space, or use another disk.',
};

/** Turns what Node says about a file into a {@link FileError}. Any other error stays as it is. */
export function fileError(options: {
  path: string;
  action: 'read' | 'written';
  cause: unknown;
}): unknown {
  const { path, action, cause } = options;
  if (path.includes('\0')) return new FileError({ path, problem: 'no path: it has a NUL', cause });
  if (!isSystemError(cause)) return cause;
  const [reason] = cause.message.split(', ');
  const fix = fixes[cause.code];
  const problem = `cannot be ${action} (${reason})`;
  return new FileError({ path, problem, ...(fix ? { fix } : {}), cause });
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

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

/** Whether a path stays in the folder that it is relative to. */
export function isBelow(file: string): boolean {
  const normal = normalize(file);
  const isInside = normal !== '.' && !isAbsolute(normal) && normal.split(sep)[0] !== '..';
  return isInside && !file.includes('\0');
}
