import { readFileSync } from 'node:fs';
import { CheckpointError, DTypeError, FileError } from '@harmonica/core';
import { parseGoldenFile } from './golden-file.js';
import { goldenPath, loadGoldenManifest } from './golden-manifest.js';
import type { GoldenData, GoldenTensor } from './golden-tensor.js';

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
export function readGolden(path: string): Golden {
  return new Golden(path, parseGoldenFile(path, readFileSync(path)));
}
