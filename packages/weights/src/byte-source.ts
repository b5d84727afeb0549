import { type FileHandle, open, stat } from 'node:fs/promises';
import { CheckpointError, FileError } from '@harmonica/core';
import { fileError } from './files.js';

/** Node refuses to read 2 GiB or more at once. */
const MAX_READ_BYTES = 2 ** 30;

/** Something that bytes are read from by range, such as a file. */
export interface ByteSource {
  /** For error messages. */
  readonly path: string;
  readonly sizeBytes: number;
  /**
   * Bytes `begin` up to, not including, `end`, in memory of their own.
   *
   * @throws {@link CheckpointError} if the range is not within the source
   */
  read(range: ByteRange): Promise<Uint8Array>;
  /** Nothing can be read after it. */
  close(): Promise<void>;
}

/** Bytes `begin` up to, not including, `end`. */
export interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

/**
 * Opens a file for reading by range. The caller closes it.
 *
 * @throws {@link FileError} if there is no such file or it cannot be read
 */
export async function openByteFile(path: string): Promise<ByteSource> {
  try {
    const stats = await stat(path); // before `open`, which would wait at a pipe
    if (!stats.isFile()) throw new FileError({ path, problem: 'is not a file' });
    return createFileSource({ path, handle: await open(path, 'r'), sizeBytes: stats.size });
  } catch (cause) {
    throw fileError({ path, action: 'read', cause });
  }
}

/** Opens a file and builds on it; a failure to build closes it again. */
export async function openWith<T>(
  path: string,
  build: (file: ByteSource) => Promise<T>,
): Promise<T> {
  const file = await openByteFile(path);
  try {
    return await build(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function createFileSource(options: {
  path: string;
  handle: FileHandle;
  sizeBytes: number;
}): ByteSource {
  const { path, handle, sizeBytes } = options;
  return {
    path,
    sizeBytes,
    async read(range) {
      checkRange({ path, sizeBytes, ...range });
      const bytes = allocate({ path, length: range.end - range.begin });
      await fill({ path, handle, bytes, begin: range.begin });
      return bytes;
    },
    close: () => handle.close(),
  };
}

function checkRange(options: ByteRange & { path: string; sizeBytes: number }): void {
  const { path, sizeBytes, begin, end } = options;
  if (begin >= 0 && begin <= end && end <= sizeBytes) return;
  throw new CheckpointError({
    path,
    problem: `bytes ${begin} to ${end} are wanted, of ${sizeBytes}`,
    fix: 'The file is truncated or damaged; get it again.',
  });
}

function allocate({ path, length }: { path: string; length: number }): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new CheckpointError({ path, problem: `${length} bytes do not fit into memory`, cause });
  }
}

async function fill(options: {
  path: string;
  handle: FileHandle;
  bytes: Uint8Array;
  begin: number;
}): Promise<void> {
  const { path, handle, bytes, begin } = options;
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(bytes.length - done, MAX_READ_BYTES);
    const { bytesRead } = await handle
      .read(bytes, done, length, begin + done)
      .catch((cause: unknown) => {
        throw fileError({ path, action: 'read', cause });
      });
    if (bytesRead === 0) {
      throw new CheckpointError({ path, problem: 'the file became shorter while it was read' });
    }
    done += bytesRead;
  }
}
