import { readFileSync } from 'node:fs';
import type { WeightSource } from '@harmonica/core';
import { decodeSafetensors } from '@harmonica/weights';
import { type Tensor, type Tensor4D, tensor, tidy, transpose } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** One stored array. */
export interface StoredArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export type StoredArrays = ReadonlyMap<string, StoredArray>;

const FOLDER = new URL('../src/__fixtures__/', import.meta.url);

/** The largest deviation that the manifest of the fixtures allows, relative to the largest magnitude of an array. */
export const PARITY_TOLERANCE: number = JSON.parse(
  readFileSync(new URL('manifest.json', FOLDER), 'utf8'),
).tolerance.relative;

/** All arrays of one fixture file. */
export function readFixture(name: string): StoredArrays {
  return decodeSafetensors(readFileSync(new URL(`${name}.safetensors`, FOLDER))).tensors;
}

/** One array of a fixture, or a failed test. */
export function arrayOf(arrays: StoredArrays, name: string): StoredArray {
  const found = arrays.get(name);
  if (!found) throw new Error(`the fixture has no array ${name}`);
  return found;
}

/** A checkpoint in memory. */
export function sourceOf(arrays: StoredArrays): WeightSource {
  return {
    path: 'fixture',
    names: [...arrays.keys()],
    info: (name) => ({ shape: arrayOf(arrays, name).shape, dtype: 'f32' }),
    read: async (name) => arrayOf(arrays, name).data.slice(),
    close: async () => {},
  };
}

/** A PyTorch image batch `[B, C, H, W]` as `[B, H, W, C]`. */
export function imageOf({ shape, data }: StoredArray): Tensor4D {
  return tidy(() =>
    transpose(tensor(data, [...shape] as [number, number, number, number]), [0, 2, 3, 1]),
  );
}

/** An image `[B, H, W, C]` in PyTorch's order `[B, C, H, W]`. */
export function toNchw(image: Tensor4D): Tensor4D {
  return transpose(image, [0, 3, 1, 2]);
}

export interface CloseOptions {
  readonly actual: Tensor;
  readonly expected: StoredArray;
  /** Default: the tolerance of the fixtures. */
  readonly relative?: number;
}

/** Shape and every element agree, up to `relative` of the largest expected magnitude. */
export function expectClose(options: CloseOptions): void {
  const { actual, expected, relative = PARITY_TOLERANCE } = options;
  expect(actual.shape).toEqual(expected.shape);
  expect(relativeError(actual.dataSync(), expected.data)).toBeLessThanOrEqual(relative);
}

/** The largest deviation of an element, relative to the largest expected magnitude. NaN if anything is. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const magnitude = Math.max(...Array.from(expected, Math.abs));
  return (
    Math.max(...Array.from(expected, (value, i) => Math.abs((actual[i] ?? NaN) - value))) /
    magnitude
  );
}
