import { type FileHandle, open, stat } from 'node:fs/promises';
import { CheckpointError, FileError } from '@harmonica/core';
import { fileError } from './files.js';

/** Node refuses to read 2 GiB or more at once. */
const MAX_READ_BYTES = 2 ** 30;

/** Something that bytes are read from by range: a file, or memory. */
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

/** Bytes that are in memory already. Reads are copies. */
export function createMemorySource(options: { path: string; bytes: Uint8Array }): ByteSource {
  const { path, bytes } = options;
  const sizeBytes = bytes.length;
  return {
    path,
    sizeBytes,
    async read(range) {
      checkRange({ path, sizeBytes, ...range });
      return bytes.slice(range.begin, range.end);
    },
    async close() {},
  };
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
    const bytesRead = await readOnce({ path, handle, bytes, done, length, position: begin + done });
    if (bytesRead === 0) {
      throw new CheckpointError({ path, problem: 'the file became shorter while it was read' });
    }
    done += bytesRead;
  }
}

async function readOnce(options: {
  path: string;
  handle: FileHandle;
  bytes: Uint8Array;
  done: number;
  length: number;
  position: number;
}): Promise<number> {
  const { path, handle, bytes, done, length, position } = options;
  try {
    return (await handle.read(bytes, done, length, position)).bytesRead;
  } catch (cause) {
    throw fileError({ path, action: 'read', cause });
  }
}

/** Reads numbers and text one after the other; reading past the end throws {@link CheckpointError}. */
export class ByteCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #path: string;
  #position = 0;

  constructor(options: { path: string; bytes: Uint8Array }) {
    const { path, bytes } = options;
    this.#path = path;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get position(): number {
    return this.#position;
  }

  /** The next `length` bytes, as a view. */
  take(length: number): Uint8Array {
    const begin = this.#advance(length);
    return this.#bytes.subarray(begin, begin + length);
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** An unsigned 64-bit integer; above 2^53 it is rounded, and then larger than any file. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  /** Big-endian, as pickles store it. */
  float64(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** UTF-8 text of `length` bytes. */
  text(length: number): string {
    const bytes = this.take(length);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (cause) {
      const problem = `text that is not UTF-8 at byte ${this.#position - length}`;
      throw new CheckpointError({ path: this.#path, problem, cause });
    }
  }

  /** UTF-8 text up to a line feed, which is skipped. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#position);
    if (end < 0) throw this.#truncated(1);
    const text = this.text(end - this.#position);
    this.#position++;
    return text;
  }

  #advance(length: number): number {
    const begin = this.#position;
    if (length > this.#bytes.length - begin) throw this.#truncated(length);
    this.#position = begin + length;
    return begin;
  }

  #truncated(length: number): CheckpointError {
    const end = this.#bytes.length;
    const problem = `${length} bytes are due at byte ${this.#position}, but ${end} is the end`;
    const fix = 'The file is truncated or damaged; get it again.';
    return new CheckpointError({ path: this.#path, problem, fix });
  }
}
