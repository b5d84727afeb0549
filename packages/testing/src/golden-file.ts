import { CheckpointError } from '@harmonica/core';
import { elementCount, type GoldenTensor } from './golden-tensor.js';

const arrays = { F32: Float32Array, F64: Float64Array, I32: Int32Array } as const;

interface HeaderEntry {
  readonly dtype: keyof typeof arrays;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/**
 * Reads the tensors of a golden file (safetensors) in their own element types.
 *
 * Goldens have a reader of their own because they keep float64, and because what they test should not read them.
 *
 * @throws {@link CheckpointError} if the file is not made of whole f32, f64 and i32 tensors
 */
export function parseGoldenFile(path: string, bytes: Uint8Array): Map<string, GoldenTensor> {
  const { header, start } = parseHeader(path, bytes);
  const tensors = new Map<string, GoldenTensor>();
  for (const [key, { dtype, shape, data_offsets }] of Object.entries(header)) {
    const [begin, end] = data_offsets;
    const part = new Uint8Array(bytes.subarray(start + begin, start + end));
    const type = arrays[dtype];
    if (part.length !== elementCount(shape) * type?.BYTES_PER_ELEMENT) {
      const problem = `is no whole ${dtype} tensor of shape [${shape.join(', ')}]`;
      throw new CheckpointError({ path, key, problem, fix: regenerate });
    }
    tensors.set(key, { shape, data: new type(part.buffer) });
  }
  return tensors;
}

const regenerate = 'Make it again with scripts/make_goldens.py.';

function parseHeader(path: string, bytes: Uint8Array) {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const start = 8 + Number(view.getBigUint64(0, true));
    const { __metadata__, ...header } = JSON.parse(
      new TextDecoder().decode(bytes.subarray(8, start)),
    );
    return { header: header as Record<string, HeaderEntry>, start };
  } catch (cause) {
    const problem = 'has no readable safetensors header';
    throw new CheckpointError({ path, problem, fix: regenerate, cause });
  }
}
