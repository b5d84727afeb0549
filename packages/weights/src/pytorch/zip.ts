import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { CheckpointError } from '@harmonica/core';
import { Reader, ZipReader } from '@zip.js/zip.js/lib/zip-core.js';
import { ByteCursor } from '../byte-cursor.js';
import type { ByteRange, ByteSource } from '../byte-source.js';

/** One file of a zip archive, as the central directory describes it (APPNOTE.TXT 6.3.10, 4.3.12). */
export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated; others exist. */
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc32: number;
  /** In the archive. */
  readonly compressedBytes: number;
  /** After decompression. */
  readonly sizeBytes: number;
  /** Where the entry's local header begins. */
  readonly headerOffset: number;
}

/** Hands a file to the library that reads zip directories. */
class FileReader extends Reader<ByteSource> {
  readonly #file: ByteSource;

  constructor(file: ByteSource) {
    super(file);
    this.#file = file;
    this.size = file.sizeBytes;
  }

  override readUint8Array(index: number, length: number): Promise<Uint8Array> {
    return this.#file.read({ begin: index, end: Math.min(index + length, this.size) });
  }
}

/**
 * Reads the central directory of a zip archive: the end of the file, then the directory.
 *
 * @throws {@link CheckpointError} if the file is no zip archive, or truncated, or lists a name twice
 */
export async function readZipDirectory(file: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const { path } = file;
  const entries = new Map<string, ZipEntry>();
  try {
    for await (const entry of new ZipReader(new FileReader(file)).getEntriesGenerator()) {
      const name = entry.filename;
      if (entries.has(name)) {
        throw new CheckpointError({ path, key: name, problem: 'the zip lists it twice' });
      }
      entries.set(name, {
        name,
        method: entry.compressionMethod,
        encrypted: entry.encrypted,
        crc32: entry.signature ?? 0,
        compressedBytes: entry.compressedSize,
        sizeBytes: entry.uncompressedSize,
        headerOffset: entry.offset,
      });
    }
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CheckpointError({
      path,
      problem: `not a complete zip archive (${reason})`,
      fix: 'The file is truncated, damaged or of another kind; get it again.',
      cause,
    });
  }
  return entries;
}

const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

const inflate = promisify<Uint8Array, { maxOutputLength: number }, Uint8Array>(inflateRaw);

/** The content of a zip archive's entries. */
export interface ZipContent {
  /**
   * A range of an uncompressed entry, by default all of it. Of a stored entry only that range is read from the file; the
   * checksum is checked when the range is the whole entry, or the entry is deflated.
   *
   * @throws {@link CheckpointError} if it is truncated, damaged (CRC-32), encrypted, compressed in another way or to a suspicious
   * size
   */
  read(entry: ZipEntry, range?: ByteRange): Promise<Uint8Array>;
}

/** An entry may decompress to so many bytes, and so many times more than it has, and all reads together to some times that. */
const MAX_INFLATED = { bytes: 2 ** 26, ratio: 16, reads: 4 };

/** Reads entries of an archive; the last one that was decompressed is kept, as its tensors are asked for one by one. */
export function openZipContent(file: ByteSource): ZipContent {
  let inflated = 0;
  let last: { readonly entry: ZipEntry; readonly bytes: Promise<Uint8Array> } | undefined;
  const inflateKept = (entry: ZipEntry): Promise<Uint8Array> => {
    if (last?.entry !== entry) {
      checkRatio({ file, entry });
      inflated += entry.sizeBytes;
      if (inflated > MAX_INFLATED.reads * largestInflated(file.sizeBytes)) {
        throw bomb({ file, entry, problem: `${inflated} bytes were decompressed by now` });
      }
      last = { entry, bytes: inflateEntry({ file, entry }) };
    }
    return last.bytes;
  };
  return {
    read: async (entry, range = { begin: 0, end: entry.sizeBytes }) => {
      const { method, encrypted } = entry;
      if (method !== DEFLATED || encrypted) return readStored({ file, entry, range });
      return (await inflateKept(entry)).slice(range.begin, range.end);
    },
  };
}

/** An entry of an archive. */
interface ZipEntryIn {
  readonly file: ByteSource;
  readonly entry: ZipEntry;
}

function largestInflated(compressedBytes: number): number {
  return MAX_INFLATED.bytes + MAX_INFLATED.ratio * compressedBytes;
}

function checkRatio({ file, entry }: ZipEntryIn): void {
  const { sizeBytes, compressedBytes } = entry;
  if (sizeBytes <= largestInflated(compressedBytes)) return;
  const problem = `decompresses from ${compressedBytes} bytes to ${sizeBytes}`;
  throw bomb({ file, entry, problem });
}

function bomb({ file, entry, problem }: ZipEntryIn & { problem: string }): CheckpointError {
  const fix = 'No ordinary checkpoint does; do not trust this file, or save it uncompressed.';
  return new CheckpointError({ path: file.path, key: entry.name, problem, fix });
}

async function readStored(options: ZipEntryIn & { range: ByteRange }): Promise<Uint8Array> {
  const { file, entry, range } = options;
  const { method, sizeBytes, compressedBytes } = entry;
  if (method !== STORED || entry.encrypted || sizeBytes !== compressedBytes) {
    const kind = entry.encrypted ? 'encrypted' : `stored by method ${method}`;
    throw fault({ file, entry, problem: `${kind}; expected a stored or deflated zip entry` });
  }
  const start = await dataStart({ file, entry });
  const bytes = await file.read({ begin: start + range.begin, end: start + range.end });
  if (bytes.length === sizeBytes) checkSum({ file, entry, bytes });
  return bytes;
}

async function inflateEntry({ file, entry }: ZipEntryIn): Promise<Uint8Array> {
  const { sizeBytes, compressedBytes } = entry;
  const begin = await dataStart({ file, entry });
  const compressed = await file.read({ begin, end: begin + compressedBytes });
  let bytes: Uint8Array;
  try {
    bytes = await inflate(compressed, { maxOutputLength: Math.max(1, sizeBytes) });
  } catch (cause) {
    throw fault({ file, entry, problem: 'cannot be decompressed', cause });
  }
  if (bytes.length !== sizeBytes) {
    const problem = `decompresses to ${bytes.length} bytes; expected ${sizeBytes}`;
    throw fault({ file, entry, problem });
  }
  checkSum({ file, entry, bytes });
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The data follows the local header, whose name and extra field may differ from the directory's. */
async function dataStart({ file, entry }: ZipEntryIn): Promise<number> {
  const { headerOffset } = entry;
  const bytes = await file.read({ begin: headerOffset, end: headerOffset + LOCAL_BYTES });
  const cursor = new ByteCursor({ path: file.path, bytes });
  if (cursor.uint32() !== LOCAL_SIGNATURE) {
    throw fault({ file, entry, problem: `no zip entry at byte ${headerOffset}` });
  }
  cursor.take(22);
  return headerOffset + LOCAL_BYTES + cursor.uint16() + cursor.uint16();
}

/** A recorded checksum of 0 means none: PyTorch writes that when told to save time. */
function checkSum(options: ZipEntryIn & { bytes: Uint8Array }): void {
  const { file, entry, bytes } = options;
  const actual = crc32(bytes);
  if (entry.crc32 === 0 || actual === entry.crc32) return;
  const problem = `CRC-32 ${hex(actual)}; expected ${hex(entry.crc32)}`;
  throw fault({ file, entry, problem });
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function fault(options: ZipEntryIn & { problem: string; cause?: unknown }): CheckpointError {
  const { file, entry, problem, cause } = options;
  const fix = 'The file is damaged; get it again.';
  return new CheckpointError({ path: file.path, key: entry.name, problem, fix, cause });
}
