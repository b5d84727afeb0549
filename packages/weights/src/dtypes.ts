import {
  CheckpointError,
  DTypeError,
  InvalidArgumentError,
  type WeightInfo,
} from '@harmonica/core';

/** How elements of a type become float32. */
interface Decoder {
  readonly bytes: number;
  decode(buffer: ArrayBufferLike, byteOffset: number, length: number): Float32Array<ArrayBuffer>;
}

const decoders = {
  f64: { bytes: 8, decode: (...view) => new Float32Array(new Float64Array(...view)) },
  f32: { bytes: 4, decode: (...view) => new Float32Array(new Float32Array(...view)) },
  f16: { bytes: 2, decode: (...view) => halfToFloat(new Uint16Array(...view)) },
  bf16: { bytes: 2, decode: (...view) => bfloatToFloat(new Uint16Array(...view)) },
  f8_e4m3: { bytes: 1, decode: (...view) => e4m3ToFloat(new Uint8Array(...view)) },
  f8_e5m2: { bytes: 1, decode: (...view) => e5m2ToFloat(new Uint8Array(...view)) },
  i64: { bytes: 8, decode: (...view) => Float32Array.from(new BigInt64Array(...view), Number) },
  i32: { bytes: 4, decode: (...view) => new Float32Array(new Int32Array(...view)) },
  i16: { bytes: 2, decode: (...view) => new Float32Array(new Int16Array(...view)) },
  i8: { bytes: 1, decode: (...view) => new Float32Array(new Int8Array(...view)) },
  u64: { bytes: 8, decode: (...view) => Float32Array.from(new BigUint64Array(...view), Number) },
  u32: { bytes: 4, decode: (...view) => new Float32Array(new Uint32Array(...view)) },
  u16: { bytes: 2, decode: (...view) => new Float32Array(new Uint16Array(...view)) },
  u8: { bytes: 1, decode: (...view) => new Float32Array(new Uint8Array(...view)) },
  bool: {
    bytes: 1,
    decode: (...view) => Float32Array.from(new Uint8Array(...view), (byte) => Number(byte !== 0)),
  },
} satisfies Readonly<Record<string, Decoder>>;

/** Element types that this package reads. */
export type ElementType = keyof typeof decoders;

/** The tensor that a decoding error is about. */
interface TensorSite {
  readonly path: string;
  readonly key: string;
}

/** Bytes per element. */
export function sizeOf(type: ElementType): number {
  return decoders[type].bytes;
}

/**
 * The type that safetensors calls by that name, such as `BF16`.
 *
 * @throws {@link DTypeError} if this package does not read it
 */
export function elementType(options: TensorSite & { name: string }): ElementType {
  const { path, key, name } = options;
  const type = name.toLowerCase();
  if (Object.hasOwn(decoders, type) && name === type.toUpperCase()) return type as ElementType;
  throw new DTypeError({
    tensor: `${path} (${key})`,
    actual: name,
    expected: `one of ${Object.keys(decoders).join(', ')}`,
    fix: 'Store the tensor in one of these types, such as f16.',
  });
}

/**
 * Converts little-endian elements to float32. 64-bit types lose what float32 cannot hold.
 *
 * @returns memory of its own
 * @throws {@link CheckpointError} if `bytes` ends within an element
 */
export function toFloat32(
  options: TensorSite & { bytes: Uint8Array; type: ElementType },
): Float32Array<ArrayBuffer> {
  const { bytes, type, path, key } = options;
  const size = sizeOf(type);
  if (bytes.length % size !== 0) {
    throw new CheckpointError({ path, key, problem: `${bytes.length} bytes end within a ${type}` });
  }
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return decoders[type].decode(buffer, byteOffset, bytes.length / size);
}

/**
 * {@link toFloat32} of bytes that the caller gives away: float32 stays in the memory where it is, so that a large tensor
 * is never there twice.
 *
 * @returns memory that nobody else holds
 */
export function adoptFloat32(
  options: TensorSite & { bytes: Uint8Array; type: ElementType },
): Float32Array {
  const { bytes, type } = options;
  const { buffer } = bytes;
  const fillsBuffer = bytes.length === buffer.byteLength && bytes.length % sizeOf(type) === 0;
  return type === 'f32' && fillsBuffer ? new Float32Array(buffer) : toFloat32(options);
}

/*
 * IEEE 754 conversions between float32 and the 16-bit formats, on bit patterns rather than numbers, so that signalling
 * NaNs survive. binary16 has 5 exponent and 10 mantissa bits, bfloat16 is the upper half of a float32.
 */

let halfTable: Uint32Array | undefined;

/**
 * Widens binary16 patterns to float32, exactly.
 *
 * @param patterns one 16-bit pattern per value
 * @returns as many values, in memory of their own
 */
export function halfToFloat(patterns: Uint16Array): Float32Array<ArrayBuffer> {
  halfTable ??= createHalfTable();
  const table = halfTable;
  const values = new Float32Array(patterns.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = table[patterns[i] as number] as number;
  return values;
}

/**
 * Rounds float32 values to binary16: to nearest, ties to even. From 65520 on the result is infinity, below 2^-14 it is
 * subnormal; NaN stays NaN and keeps its sign.
 *
 * @returns one 16-bit pattern per value
 */
export function floatToHalf(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOf(values);
  const patterns = new Uint16Array(values.length);
  for (let i = 0; i < patterns.length; i++) patterns[i] = roundToHalf(bits[i] as number);
  return patterns;
}

/**
 * Widens bfloat16 patterns to float32, exactly.
 *
 * @param patterns one 16-bit pattern per value
 * @returns as many values, in memory of their own
 */
export function bfloatToFloat(patterns: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(patterns.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = (patterns[i] as number) << 16;
  return values;
}

/**
 * Rounds float32 values to bfloat16: to nearest, ties to even. Values that round past the largest bfloat16 become
 * infinity; NaN stays NaN and keeps its sign.
 *
 * @returns one 16-bit pattern per value
 */
export function floatToBfloat(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOf(values);
  const patterns = new Uint16Array(values.length);
  for (let i = 0; i < patterns.length; i++) patterns[i] = roundToBfloat(bits[i] as number);
  return patterns;
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** float32 bits of every binary16 pattern. */
function createHalfTable(): Uint32Array {
  const table = new Uint32Array(0x10000);
  for (let pattern = 0; pattern < 0x8000; pattern++) {
    const bits = widenHalf(pattern);
    table[pattern] = bits;
    table[pattern | 0x8000] = bits | 0x80000000;
  }
  return table;
}

/** float32 bits of a binary16 pattern without sign. */
function widenHalf(pattern: number): number {
  const exponent = pattern >>> 10;
  const mantissa = pattern & 0x3ff;
  if (exponent === 31) return 0x7f800000 | (mantissa << 13);
  if (exponent > 0) return ((exponent + 112) << 23) | (mantissa << 13);
  if (mantissa === 0) return 0;
  const shift = Math.clz32(mantissa) - 21; // brings the leading one to bit 10, where it is implicit
  return ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13);
}

function roundToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7c00 | ((magnitude >>> 13) & 0x3ff || 0x200);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) return sign | roundToSubnormalHalf(magnitude);
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/** A magnitude below 2^-14 in units of 2^-24, the step of the binary16 subnormals. */
function roundToSubnormalHalf(magnitude: number): number {
  const shift = 126 - (magnitude >>> 23);
  if (shift > 24) return 0;
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  return (mantissa + (1 << (shift - 1)) - 1 + ((mantissa >>> shift) & 1)) >>> shift;
}

function roundToBfloat(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | (bits & 0x7f0000 ? 0 : 0x40);
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/*
 * The two 8-bit floats of safetensors (Micikevicius et al., FP8 formats for deep learning, 2022, Table 1).
 */

let e4m3Values: Float32Array | undefined;

/**
 * Widens E4M3 codes to float32, exactly: 4 exponent bits, no infinity, one NaN per sign; up to 448. PyTorch calls it
 * `float8_e4m3fn`.
 *
 * @param codes one byte per value
 * @returns as many values, in memory of their own
 */
export function e4m3ToFloat(codes: Uint8Array): Float32Array<ArrayBuffer> {
  e4m3Values ??= Float32Array.from({ length: 256 }, (_, code) => e4m3Value(code));
  const table = e4m3Values;
  return Float32Array.from(codes, (code) => table[code] as number);
}

function e4m3Value(code: number): number {
  const sign = code < 0x80 ? 1 : -1;
  const exponent = (code >>> 3) & 0xf;
  const fraction = (code & 7) / 8;
  if ((code & 0x7f) === 0x7f) return Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -6 : (1 + fraction) * 2 ** (exponent - 7));
}

/**
 * Widens E5M2 codes to float32, exactly: 5 exponent bits, with infinities and NaN as in IEEE 754; up to 57344. Each is the
 * upper half of a binary16.
 *
 * @param codes one byte per value
 * @returns as many values, in memory of their own
 */
export function e5m2ToFloat(codes: Uint8Array): Float32Array<ArrayBuffer> {
  return halfToFloat(Uint16Array.from(codes, (code) => code << 8));
}

/** Number of elements of a shape; 1 for a scalar's `[]`. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

/** Whether a value is a list of integers from 0 to 2^53 - 1. */
export function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isSize);
}

/** Whether a value is an integer from 0 to 2^53 - 1. */
export function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** One tensor of a checkpoint, in memory. */
export interface WeightTensor extends WeightInfo {
  /** Row-major values, as many as `shape` says. */
  readonly data: Float32Array;
}

/** A tensor to write. `data` is row-major. */
export type TensorToWrite = Pick<WeightTensor, 'shape' | 'data'>;

/** Throws {@link InvalidArgumentError}, in which the tensor is called `argument`, unless its data fills its shape. */
export function assertFilled(argument: string, { shape, data }: TensorToWrite): void {
  if (!isShape(shape)) {
    const expected = 'integers from 0';
    throw new InvalidArgumentError({ argument: `${argument}.shape`, value: shape, expected });
  }
  if (elementCount(shape) === data.length) return;
  throw new InvalidArgumentError({
    argument: `${argument}.data`,
    value: `${data.length} values`,
    expected: `${elementCount(shape)} values for shape [${shape.join(', ')}]`,
  });
}
