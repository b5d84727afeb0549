import { InvalidArgumentError, NonFiniteError } from '@harmonica/core';
import {
  assertFilled,
  floatToBfloat,
  floatToHalf,
  sizeOf,
  type TensorToWrite,
  toFloat32,
  type WeightTensor,
} from '../dtypes.js';
import { headerLength, PREFIX_BYTES, parseHeader } from './safetensors-header.js';

/** The content of a safetensors file. */
export interface DecodedSafetensors {
  /** By name, in the order of the header. */
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  /** Free text by key; empty if the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What to put into a safetensors file. */
export interface SafetensorsContent {
  /** By name. */
  readonly tensors: ReadonlyMap<string, TensorToWrite>;
  /** Free text by key. None by default. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Element type in the file; values are rounded to nearest, ties to even. Default `f32`. */
  readonly dtype?: SafetensorsDType;
}

/** Element types that this package writes. */
export type SafetensorsDType = 'f32' | 'f16' | 'bf16';

/**
 * Reads a whole safetensors file from memory; every tensor becomes float32.
 *
 * @param bytes the file
 * @throws {@link CheckpointError} if the file is truncated or malformed
 * @throws {@link DTypeError} if a tensor has an unknown element type
 */
export function decodeSafetensors(bytes: Uint8Array): DecodedSafetensors {
  const path = 'safetensors in memory';
  const sizeBytes = bytes.length;
  const length = headerLength({ path, sizeBytes, prefix: bytes.subarray(0, PREFIX_BYTES) });
  const json = bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length);
  const { entries, metadata } = parseHeader({ path, sizeBytes, json });
  const tensors = new Map<string, WeightTensor>();
  for (const [key, { shape, type, begin, end }] of entries) {
    const data = toFloat32({ path, key, type, bytes: bytes.subarray(begin, end) });
    tensors.set(key, { shape, dtype: type, data });
  }
  return { tensors, metadata };
}

/**
 * Writes a safetensors file to memory. Tensors are sorted by name, so equal content gives equal bytes.
 *
 * @throws {@link InvalidArgumentError} if a tensor's data does not fill its shape, or another field is not as documented
 * @throws {@link NonFiniteError} if a finite value is too large for `dtype`
 */
export function encodeSafetensors(content: SafetensorsContent): Uint8Array<ArrayBuffer> {
  const parts = [...encodeParts(content)];
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

/** The file of {@link encodeSafetensors} piece by piece: the header, then one tensor at a time. */
export function* encodeParts(content: SafetensorsContent): Generator<Uint8Array> {
  const { dtype = 'f32', metadata = {} } = content;
  checkFields({ dtype, metadata });
  const tensors = [...content.tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  yield encodeHeader({ tensors, metadata, dtype });
  for (const [name, { data }] of tensors) yield encodeTensor({ name, data, dtype });
}

/** What the types promise, for callers without types: a file that cannot be read back is never written. */
function checkFields(options: Required<Pick<SafetensorsContent, 'dtype' | 'metadata'>>): void {
  const { dtype, metadata } = options;
  if (!['f32', 'f16', 'bf16'].includes(dtype)) {
    const expected = 'f32, f16 or bf16';
    throw new InvalidArgumentError({ argument: 'dtype', value: dtype, expected });
  }
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value === 'string') continue;
    throw new InvalidArgumentError({ argument: `metadata["${key}"]`, value, expected: 'text' });
  }
}

function encodeHeader(options: {
  tensors: readonly (readonly [string, TensorToWrite])[];
  metadata: Readonly<Record<string, string>>;
  dtype: SafetensorsDType;
}): Uint8Array {
  const { tensors, metadata, dtype } = options;
  const fields = Object.keys(metadata).length > 0 ? [field('__metadata__', metadata)] : [];
  let begin = 0;
  for (const [name, { shape, data }] of tensors) {
    checkName(name);
    assertFilled(`tensors["${name}"]`, { shape, data });
    const end = begin + data.length * sizeOf(dtype);
    fields.push(field(name, { dtype: dtype.toUpperCase(), shape, data_offsets: [begin, end] }));
    begin = end;
  }
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  const length = Math.ceil(json.length / 8) * 8; // keeps the data aligned
  const bytes = new Uint8Array(PREFIX_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, PREFIX_BYTES);
  return bytes;
}

function field(key: string, value: unknown): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

function checkName(name: string): void {
  if (name !== '__metadata__') return;
  throw new InvalidArgumentError({
    argument: 'tensors',
    value: name,
    expected: 'names other than this one, which the format keeps for itself',
  });
}

function encodeTensor(options: {
  name: string;
  data: Float32Array;
  dtype: SafetensorsDType;
}): Uint8Array {
  const { name, data, dtype } = options;
  if (dtype === 'f32') return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const patterns = dtype === 'f16' ? floatToHalf(data) : floatToBfloat(data);
  checkOverflow({ name, data, dtype, patterns });
  return new Uint8Array(patterns.buffer);
}

/** A finite value must not silently become infinity. */
function checkOverflow(options: {
  name: string;
  data: Float32Array;
  dtype: 'f16' | 'bf16';
  patterns: Uint16Array;
}): void {
  const { name, data, dtype, patterns } = options;
  const infinity = dtype === 'f16' ? 0x7c00 : 0x7f80;
  for (let i = 0; i < data.length; i++) {
    if (((patterns[i] as number) & 0x7fff) !== infinity || !Number.isFinite(data[i])) continue;
    throw new NonFiniteError({
      site: `tensor "${name}", value ${data[i]} stored as ${dtype},`,
      fix: 'Store it as f32.',
    });
  }
}
