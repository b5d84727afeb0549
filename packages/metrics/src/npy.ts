import { DTypeError, FileError } from '@harmonica/core';

/** An array of an `.npy` file. */
export interface NpyArray {
  readonly shape: readonly number[];
  /** Row-major numbers, or the characters of one text. */
  readonly values: Float64Array | string;
  /** Whether the numbers are stored as float32. */
  readonly isSingle?: boolean;
}

const MAGIC = '\x93NUMPY';

/** As NumPy's own readers bound it. */
export const MAX_NPY_HEADER_BYTES = 10_000;

/** How many bytes an element has, and how it is read as a number. */
const READERS: Readonly<
  Record<string, { bytes: number; read: (view: DataView, at: number, little: boolean) => number }>
> = {
  f4: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
  i4: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  i8: { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
};

/** What {@link decodeNpy} reads. */
interface DecodeNpyOptions {
  readonly bytes: Uint8Array;
  /** For error messages. */
  readonly path: string;
}

/**
 * Reads an array in NumPy's format, versions 1 to 3: floats, 32- and 64-bit integers, and single texts, of either byte
 * order; columns first is turned to rows first for matrices.
 *
 * @throws {@link FileError} if the bytes are damaged; {@link DTypeError} for other element types.
 * @internal
 */
export function decodeNpy({ bytes, path }: DecodeNpyOptions): NpyArray {
  const { header, start } = readHeader(bytes, path);
  const descr = field(header, /'descr':\s*'([<>|=]?)([a-zA-Z]\d+)'/, path);
  const shape = readShape(field(header, /'shape':\s*\(([^)]*)\)/, path)[1] as string, path);
  const columnsFirst = field(header, /'fortran_order':\s*(True|False)/, path)[1] === 'True';
  const [order, type] = [descr[1] as string, descr[2] as string];
  const little = order !== '>';
  const count = shape.reduce((a, b) => a * b, 1);
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, bytes.length - start);
  if (type.startsWith('U') && shape.length === 0) {
    const length = Number(type.slice(1));
    assertLength(view, 4 * length, path);
    return { shape, values: readText(view, length, little) };
  }
  const reader = READERS[type];
  if (reader === undefined || (columnsFirst && shape.length > 2)) {
    throw new DTypeError({
      tensor: path,
      actual: `${order}${type} of ${shape.length} dimensions`,
      expected: `one of ${Object.keys(READERS).join(', ')}`,
      fix: 'Save it again as float64.',
    });
  }
  assertLength(view, count * reader.bytes, path);
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = reader.read(view, i * reader.bytes, little);
  return {
    shape,
    values: columnsFirst ? transposed(values, shape) : values,
    ...(type === 'f4' && { isSingle: true }),
  };
}

/** Writes float64 numbers, or one text, in NumPy's format, version 1. @internal */
export function encodeNpy({ shape, values }: NpyArray): Uint8Array {
  const codes = typeof values === 'string' ? Array.from(values, codePoint) : undefined;
  const tuple = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  const descr = codes ? `<U${codes.length}` : '<f8';
  const entry = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Magic, version, length, entry and newline fill whole lines of 64 bytes.
  const header = `${entry.padEnd(Math.ceil((entry.length + 11) / 64) * 64 - 11)}\n`;
  const start = 10 + header.length;
  const bytes = new Uint8Array(start + (codes ? 4 * codes.length : 8 * values.length));
  const view = new DataView(bytes.buffer);
  bytes.set(Array.from(MAGIC, codePoint));
  bytes[6] = 1;
  view.setUint16(8, header.length, true);
  bytes.set(Array.from(header, codePoint), 10);
  codes?.forEach((code, i) => {
    view.setUint32(start + 4 * i, code, true);
  });
  if (typeof values !== 'string') {
    values.forEach((value, i) => {
      view.setFloat64(start + 8 * i, value, true);
    });
  }
  return bytes;
}

function codePoint(character: string): number {
  return character.codePointAt(0) as number;
}

function readHeader(bytes: Uint8Array, path: string): { header: string; start: number } {
  const magic = String.fromCharCode(...bytes.subarray(0, 6));
  if (bytes.length < 12 || magic !== MAGIC) throw damaged(path, 'is no NumPy array');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const from = bytes[6] === 1 ? 10 : 12;
  const length = from === 10 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_NPY_HEADER_BYTES) throw damaged(path, `has a header of ${length} bytes`);
  if (from + length > bytes.length) throw damaged(path, 'ends within its header');
  return {
    header: new TextDecoder().decode(bytes.subarray(from, from + length)),
    start: from + length,
  };
}

function readShape(text: string, path: string): number[] {
  const sizes = text.split(',').map((size) => size.trim());
  if (sizes.at(-1) === '') sizes.pop(); // the comma of a tuple of one, or an empty tuple
  const shape = sizes.map(Number);
  if (sizes.every((size) => /^\d{1,15}$/.test(size))) return shape;
  throw damaged(path, `has the shape (${text.slice(0, 100)})`);
}

function field(header: string, pattern: RegExp, path: string): RegExpMatchArray {
  const match = header.match(pattern);
  if (match === null) throw damaged(path, `has a header without ${pattern.source.slice(1, 8)}`);
  return match;
}

function assertLength(view: DataView, expected: number, path: string): void {
  if (view.byteLength === expected) return;
  throw damaged(path, `has ${view.byteLength} bytes of data instead of ${expected}`);
}

function readText(view: DataView, length: number, little: boolean): string {
  const codes = Array.from({ length }, (_, i) => view.getUint32(4 * i, little));
  const known = codes.filter((code) => code > 0 && code <= 0x10ffff);
  return known.map((code) => String.fromCodePoint(code)).join('');
}

function transposed(values: Float64Array, shape: readonly number[]): Float64Array {
  const [rows = 1, columns = 1] = shape;
  return values.map((_, i) => values[(i % columns) * rows + Math.floor(i / columns)] as number);
}

function damaged(path: string, problem: string): FileError {
  return new FileError({ path, problem, fix: 'Get the file again.' });
}
