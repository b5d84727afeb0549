import { CheckpointError } from '@harmonica/core';
import type { ByteRange } from '../byte-source.js';
import { adoptFloat32, type ElementType, elementCount, sizeOf } from '../dtypes.js';

/** What a PyTorch checkpoint holds, in whichever layout it is stored. */
export interface PyTorchContent {
  /** What was saved, as {@link unpickle} gives it, with {@link StridedTensor} for tensors. */
  readonly root: unknown;
  /** The values of a tensor of `root`, row-major, in memory of their own. */
  readTensor(options: { key: string; tensor: StridedTensor }): Promise<Float32Array>;
}

/** Larger pickles are refused: that of a checkpoint has some hundred bytes per tensor. */
export const MAX_PICKLE_BYTES = 2 ** 25;

/**
 * The values of a tensor, row-major, in memory of their own.
 *
 * @param options.read gives bytes of the tensor's storage
 */
export async function readStrided(options: {
  path: string;
  key: string;
  tensor: StridedTensor;
  read: (range: ByteRange) => Promise<Uint8Array>;
}): Promise<Float32Array> {
  const { path, key, tensor, read } = options;
  const { storage, offset, shape, strides } = tensor;
  const length = spanOf({ shape, strides });
  const size = sizeOf(storage.type);
  const range = { begin: offset * size, end: (offset + length) * size };
  const bytes = length === 0 ? new Uint8Array(0) : await read(range);
  const span = adoptFloat32({ path, key, type: storage.type, bytes });
  return toRowMajor({ span, shape, strides });
}

/** The memory that one or more tensors of a PyTorch checkpoint lie in. */
export class StorageReference {
  /** Its name: in an archive, that of its record in the folder `data`. */
  readonly key: string;
  readonly type: ElementType;
  /** In elements. */
  readonly length: number;

  constructor(options: { key: string; type: ElementType; length: number }) {
    this.key = options.key;
    this.type = options.type;
    this.length = options.length;
  }
}

interface StridedTensorOptions {
  readonly storage: StorageReference;
  /** First element, in elements. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** Elements from one index to the next, per axis. */
  readonly strides: readonly number[];
}

/** A view of a storage, as PyTorch describes its tensors. Always within its storage. */
export class StridedTensor {
  readonly storage: StorageReference;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  /** @throws {@link CheckpointError} if the view reaches outside its storage */
  constructor(options: StridedTensorOptions & { path: string }) {
    const { path, storage, offset, shape, strides } = options;
    checkBounds(options);
    checkExpansion({ path, shape, storage });
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** A tensor that repeats stored elements (stride 0) may have at most so many. */
const MAX_EXPANDED_ELEMENTS = 2 ** 24;

/** Elements from a tensor's first to its last in memory, both counted; 0 if it has none. */
export function spanOf(options: Pick<StridedTensorOptions, 'shape' | 'strides'>): number {
  const { shape, strides } = options;
  if (shape.includes(0)) return 0;
  return shape.reduce((span, size, axis) => span + (size - 1) * (strides[axis] as number), 1);
}

/**
 * Puts elements that lie `strides` apart into row-major order.
 *
 * @param options.span the elements from the tensor's first to its last
 * @returns `span` itself if it is in order already
 */
export function toRowMajor(
  options: Pick<StridedTensorOptions, 'shape' | 'strides'> & { span: Float32Array },
): Float32Array {
  const { span, shape, strides } = options;
  if (isRowMajor(options)) return span;
  const values = new Float32Array(elementCount(shape));
  const index = new Array<number>(shape.length).fill(0);
  let position = 0;
  for (let i = 0; i < values.length; i++) {
    values[i] = span[position] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const [size, stride] = [shape[axis] as number, strides[axis] as number];
      position += stride;
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < size) break;
      position -= size * stride;
      index[axis] = 0;
    }
  }
  return values;
}

function isRowMajor(options: Pick<StridedTensorOptions, 'shape' | 'strides'>): boolean {
  const { shape, strides } = options;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis] as number;
  }
  return true;
}

function checkBounds(options: StridedTensorOptions & { path: string }): void {
  const { path, storage, offset, shape, strides } = options;
  const end = offset + spanOf({ shape, strides });
  if (shape.length === strides.length && (shape.includes(0) || end <= storage.length)) return;
  throw new CheckpointError({
    path,
    key: `data/${storage.key}`,
    problem:
      `a tensor of shape [${shape.join(', ')}], strides [${strides.join(', ')}] and offset ` +
      `${offset} is not within its storage of ${storage.length} elements`,
    fix: 'The file is damaged; get it again.',
  });
}

function checkExpansion(options: {
  path: string;
  shape: readonly number[];
  storage: StorageReference;
}): void {
  const { path, shape, storage } = options;
  const count = elementCount(shape);
  if (count <= Math.max(storage.length, MAX_EXPANDED_ELEMENTS)) return;
  throw new CheckpointError({
    path,
    key: `data/${storage.key}`,
    problem: `a tensor repeats ${storage.length} stored elements to fill ${count}`,
    fix: 'Save a contiguous tensor, or do not trust this file.',
  });
}
