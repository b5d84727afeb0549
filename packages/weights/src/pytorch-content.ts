import type { ByteRange } from './byte-source.js';
import { adoptFloat32, sizeOf } from './element-type.js';
import { type StridedTensor, spanOf, toRowMajor } from './strided-tensor.js';

/** What a PyTorch checkpoint holds, in whichever layout it is stored. */
export interface PyTorchContent {
  /** What was saved, as {@link unpickle} gives it, with {@link StridedTensor} for tensors. */
  readonly root: unknown;
  /** The values of a tensor of `root`, row-major, in memory of their own. */
  readTensor(options: { key: string; tensor: StridedTensor }): Promise<Float32Array>;
}

/** Larger pickles are refused: that of a checkpoint has some hundred bytes per tensor. */
export const MAX_PICKLE_BYTES = 2 ** 26;

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
