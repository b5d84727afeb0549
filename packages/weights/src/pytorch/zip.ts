import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { CheckpointError } from '@harmonica/core';
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

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const LOCATOR_SIGNATURE = 0x07064b50;
const LOCATOR_BYTES = 20;
const END64_SIGNATURE = 0x06064b50;
const END64_BYTES = 56;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY64_EXTRA = 0x0001;
/** Stands in a 32-bit field whose value is in a 64-bit field elsewhere. */
const IN_64_BITS = 0xffffffff;

/**
 * Reads the central directory of a zip archive: the end of the file, then the directory.
 *
 * @throws {@link CheckpointError} if the file is no zip archive, or truncated, or lists a name twice
 */
export async function readZipDirectory(file: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const { path } = file;
  const range = await locateDirectory(file);
  const bytes = await file.read(range);
  const cursor = new ByteCursor({ path, bytes });
  const entries = new Map<string, ZipEntry>();
  while (cursor.position < bytes.length) {
    const entry = readEntry({ path, cursor });
    if (entries.has(entry.name)) {
      throw new CheckpointError({ path, key: entry.name, problem: 'the zip lists it twice' });
    }
    entries.set(entry.name, entry);
  }
  return entries;
}

async function locateDirectory(file: ByteSource): Promise<ByteRange> {
  const { path, sizeBytes } = file;
  const tailBegin = Math.max(0, sizeBytes - END_BYTES - MAX_COMMENT_BYTES);
  const tail = await file.read({ begin: tailBegin, end: sizeBytes });
  const found = findEnd(tail);
  if (found === undefined) {
    throw new CheckpointError({
      path,
      problem: 'not a complete zip archive: the central directory is missing at its end',
      fix: 'The file is truncated or of another kind; get it again.',
    });
  }
  const cursor = new ByteCursor({ path, bytes: tail.subarray(found) });
  cursor.take(12);
  const size = cursor.uint32();
  const begin = cursor.uint32();
  if (size !== IN_64_BITS && begin !== IN_64_BITS) return { begin, end: begin + size };
  return locateDirectory64({ file, end: tailBegin + found });
}

/** The last place in the tail where an end record reaches exactly to the end of the file. */
function findEnd(tail: Uint8Array): number | undefined {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.length);
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (view.getUint32(at, true) !== END_SIGNATURE) continue;
    if (at + END_BYTES + view.getUint16(at + 20, true) === tail.length) return at;
  }
  return undefined;
}

/** Zip64: a locator just before the end record points to a larger end record. */
async function locateDirectory64(options: { file: ByteSource; end: number }): Promise<ByteRange> {
  const { file, end } = options;
  const { path } = file;
  const locator = await file.read({ begin: end - LOCATOR_BYTES, end });
  const locatorCursor = new ByteCursor({ path, bytes: locator });
  expectSignature({ path, cursor: locatorCursor, signature: LOCATOR_SIGNATURE });
  locatorCursor.take(4);
  const recordBegin = locatorCursor.uint64();
  const record = await file.read({ begin: recordBegin, end: recordBegin + END64_BYTES });
  const cursor = new ByteCursor({ path, bytes: record });
  expectSignature({ path, cursor, signature: END64_SIGNATURE });
  cursor.take(36);
  const size = cursor.uint64();
  const begin = cursor.uint64();
  return { begin, end: begin + size };
}

function readEntry({ path, cursor }: { path: string; cursor: ByteCursor }): ZipEntry {
  expectSignature({ path, cursor, signature: ENTRY_SIGNATURE });
  cursor.take(4);
  const encrypted = (cursor.uint16() & 1) === 1;
  const method = cursor.uint16();
  cursor.take(4);
  const crc32 = cursor.uint32();
  const compressed = cursor.uint32();
  const size = cursor.uint32();
  const nameLength = cursor.uint16();
  const extraLength = cursor.uint16();
  const commentLength = cursor.uint16();
  cursor.take(8);
  const offset = cursor.uint32();
  const name = cursor.text(nameLength);
  const wide = wideFields({ path, extra: cursor.take(extraLength) });
  cursor.take(commentLength);
  const sizeBytes = size === IN_64_BITS ? wide() : size; // in the order of the 64-bit fields
  const compressedBytes = compressed === IN_64_BITS ? wide() : compressed;
  const headerOffset = offset === IN_64_BITS ? wide() : offset;
  return { name, method, encrypted, crc32, compressedBytes, sizeBytes, headerOffset };
}

/** Gives the 64-bit values of an entry's zip64 field, one per call. */
function wideFields({ path, extra }: { path: string; extra: Uint8Array }): () => number {
  const cursor = new ByteCursor({ path, bytes: extra });
  let values = new ByteCursor({ path, bytes: extra.subarray(extra.length) });
  while (extra.length - cursor.position >= 4) {
    const id = cursor.uint16();
    const bytes = cursor.take(cursor.uint16());
    if (id === ENTRY64_EXTRA) values = new ByteCursor({ path, bytes });
  }
  return () => values.uint64();
}

function expectSignature(options: { path: string; cursor: ByteCursor; signature: number }): void {
  const { path, cursor, signature } = options;
  const actual = cursor.uint32();
  if (actual === signature) return;
  throw new CheckpointError({
    path,
    problem: `damaged zip directory: 0x${actual.toString(16)}; expected 0x${signature.toString(16)}`,
    fix: 'Get the file again.',
  });
}

const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

const inflate = promisify<Uint8Array, { maxOutputLength: number }, Uint8Array>(inflateRaw);

/** An entry of an archive. */
interface ZipEntryIn {
  readonly file: ByteSource;
  readonly entry: ZipEntry;
}

/**
 * Reads a whole entry.
 *
 * @throws {@link CheckpointError} if it is truncated, damaged (CRC-32), encrypted or compressed in another way
 */
export function readZipEntry({ file, entry }: ZipEntryIn): Promise<Uint8Array> {
  return readZipRange({ file, entry, range: { begin: 0, end: entry.sizeBytes } });
}

/**
 * Reads a range of the uncompressed entry. Of a stored entry only that range is read from the file; the checksum is
 * checked when the range is the whole entry, or the entry is deflated.
 *
 * @throws {@link CheckpointError} as {@link readZipEntry}
 */
export async function readZipRange(
  options: ZipEntryIn & { range: ByteRange },
): Promise<Uint8Array> {
  const { file, entry, range } = options;
  const { method, sizeBytes, compressedBytes } = entry;
  if (method === DEFLATED && !entry.encrypted) {
    return (await inflateEntry({ file, entry })).subarray(range.begin, range.end);
  }
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
  return bytes;
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
