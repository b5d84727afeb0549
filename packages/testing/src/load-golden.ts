import { readFileSync } from 'node:fs';
import { CheckpointError, DTypeError, FileError, type WeightSource } from '@harmonica/core';
import { goldenPath, loadGoldenManifest } from './golden-manifest.js';
import { elementCount, type GoldenData, type GoldenTensor } from './golden-tensor.js';

/** The tensors of one golden file by name, with accessors that fail instead of handing out `undefined`. */
export class Golden extends Map<string, GoldenTensor> {
  readonly path: string;

  constructor(path: string, tensors: Iterable<readonly [string, GoldenTensor]>) {
    super(tensors);
    this.path = path;
  }

  /**
   * A float32 tensor.
   *
   * @throws {@link CheckpointError} if there is none of that name, {@link DTypeError} if it is not float32
   */
  f32(name: string): GoldenTensor<Float32Array<ArrayBuffer>> {
    return this.#typed(name, Float32Array<ArrayBuffer>);
  }

  /** A float64 tensor; `f64('x')` is the tensor `x.f64`. Throws as {@link f32} does. */
  f64(name: string): GoldenTensor<Float64Array<ArrayBuffer>> {
    return this.#typed(`${name}.f64`, Float64Array<ArrayBuffer>);
  }

  /** An int32 tensor. Throws as {@link f32} does. */
  i32(name: string): GoldenTensor<Int32Array<ArrayBuffer>> {
    return this.#typed(name, Int32Array<ArrayBuffer>);
  }

  #typed<Data extends GoldenData>(
    name: string,
    type: { readonly name: string; new (bytes: ArrayBuffer): Data },
  ): GoldenTensor<Data> {
    const tensor = this.get(name);
    if (!tensor) {
      throw new CheckpointError({
        path: this.path,
        key: name,
        problem: 'no tensor of this name',
        fix: `It has ${[...this.keys()].join(', ')}.`,
      });
    }
    const { shape, data } = tensor;
    if (data instanceof type) return { shape, data };
    throw new DTypeError({
      tensor: `${name} of ${this.path}`,
      actual: data.constructor.name,
      expected: type.name,
    });
  }
}

/**
 * Reads a golden file by its name in the manifest, such as `ddim-20`.
 *
 * @throws {@link FileError} if there is no golden of that name
 */
export function loadGolden(name: string): Golden {
  const { goldens } = loadGoldenManifest();
  const entry = goldens[name];
  if (!entry) {
    const fix = `Use one of ${Object.keys(goldens).join(', ')}.`;
    throw new FileError({ path: goldenPath(name), problem: 'no golden of this name', fix });
  }
  return readGolden(goldenPath(entry.file));
}

/** Reads any golden file. */
function readGolden(path: string): Golden {
  return new Golden(path, parseGoldenFile(path, readFileSync(path)));
}

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

/** The parameters of the small DiT that every golden was made with, under their official names, float32. */
export function goldenWeightSource(): WeightSource {
  const path = goldenPath(loadGoldenManifest().weights.file);
  const tensors = readGolden(path);
  const find = (name: string) => {
    if (tensors.has(name)) return tensors.f32(name);
    throw new CheckpointError({ path, key: name, problem: 'no tensor of this name' });
  };
  return {
    path,
    names: [...tensors.keys()],
    info: (name) => ({ shape: find(name).shape, dtype: 'f32' }),
    read: async (name) => find(name).data.slice(),
    close: async () => tensors.clear(),
  };
}
