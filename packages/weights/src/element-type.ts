import { CheckpointError, DTypeError } from '@harmonica/core';
import { e4m3ToFloat, e5m2ToFloat } from './float8.js';
import { bfloatToFloat, halfToFloat } from './half-float.js';

const elementBytes = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  f8_e4m3: 1,
  f8_e5m2: 1,
  i64: 8,
  i32: 4,
  i16: 2,
  i8: 1,
  u64: 8,
  u32: 4,
  u16: 2,
  u8: 1,
  bool: 1,
} as const;

/** Element types that this package reads. */
export type ElementType = keyof typeof elementBytes;

/** The tensor that a decoding error is about. */
interface TensorSite {
  readonly path: string;
  readonly key: string;
}

/** Bytes per element. */
export function sizeOf(type: ElementType): number {
  return elementBytes[type];
}

/**
 * The type that safetensors calls by that name, such as `BF16`.
 *
 * @throws {@link DTypeError} if this package does not read it
 */
export function elementType(options: TensorSite & { name: string }): ElementType {
  const { path, key, name } = options;
  const type = name.toLowerCase();
  if (Object.hasOwn(elementBytes, type) && name === type.toUpperCase()) return type as ElementType;
  throw new DTypeError({
    tensor: `${path} (${key})`,
    actual: name,
    expected: `one of ${Object.keys(elementBytes).join(', ')}`,
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
  return decoders[type](buffer, byteOffset, bytes.length / size);
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

type Decoder = (
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
) => Float32Array<ArrayBuffer>;

const decoders: Readonly<Record<ElementType, Decoder>> = {
  f64: (...view) => new Float32Array(new Float64Array(...view)),
  f32: (...view) => new Float32Array(new Float32Array(...view)),
  f16: (...view) => halfToFloat(new Uint16Array(...view)),
  bf16: (...view) => bfloatToFloat(new Uint16Array(...view)),
  f8_e4m3: (...view) => e4m3ToFloat(new Uint8Array(...view)),
  f8_e5m2: (...view) => e5m2ToFloat(new Uint8Array(...view)),
  i64: (...view) => Float32Array.from(new BigInt64Array(...view), Number),
  i32: (...view) => new Float32Array(new Int32Array(...view)),
  i16: (...view) => new Float32Array(new Int16Array(...view)),
  i8: (...view) => new Float32Array(new Int8Array(...view)),
  u64: (...view) => Float32Array.from(new BigUint64Array(...view), Number),
  u32: (...view) => new Float32Array(new Uint32Array(...view)),
  u16: (...view) => new Float32Array(new Uint16Array(...view)),
  u8: (...view) => new Float32Array(new Uint8Array(...view)),
  bool: (...view) => Float32Array.from(new Uint8Array(...view), (byte) => (byte === 0 ? 0 : 1)),
};
