import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';
import { decodeNpy, type NpyArray } from '../src/npy.js';

/** Reads the arrays of a fixture. */
export function readNpz(name: string): (array: string) => NpyArray {
  const path = new URL(`../src/__fixtures__/${name}.npz`, import.meta.url);
  const files = unzipSync(readFileSync(path));
  return (array) => decodeNpy({ bytes: files[`${array}.npy`] as Uint8Array, path: array });
}
