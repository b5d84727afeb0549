import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError } from '@harmonica/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fixture } from '../__fixtures__/fixtures.js';
import type { TensorToWrite } from '../dtypes.js';
import { openPyTorch } from './pytorch.js';
import { encodePyTorch, type PyTorchDict, writePyTorch } from './write-pytorch.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harmonica-write-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** As scripts/check-written.py expects it. */
const root: PyTorchDict = new Map<string, PyTorchDict | { shape: number[]; data: Float32Array }>([
  [
    'routers',
    new Map([
      ['0.prob', { shape: [3], data: Float32Array.of(0.1, -2, 5) }],
      ['gr\u00f6\u00dfe', { shape: [2, 0, 3], data: new Float32Array(0) }],
    ]),
  ],
  ['cube', { shape: [2, 3, 4], data: Float32Array.from({ length: 24 }, (_, i) => i) }],
  ['scalar', { shape: [], data: Float32Array.of(2.5) }],
  ['empty', new Map()],
]);

describe('writePyTorch', () => {
  it('writes what is read back, bit for bit', async () => {
    const path = join(folder, 'written.pt');
    await writePyTorch(path, root);
    const source = await openPyTorch(path);
    expect(source.names).toEqual(['routers.0.prob', 'routers.gr\u00f6\u00dfe', 'cube', 'scalar']);
    expect(source.info('cube')).toEqual({ shape: [2, 3, 4], dtype: 'f32' });
    for (const name of ['cube', 'scalar']) {
      expect(await source.read(name)).toEqual((root.get(name) as TensorToWrite).data);
    }
    await source.close();
  });

  it('writes the bytes that torch.load was checked to read', async () => {
    const checked = new Uint8Array(await readFile(fixture('written.pt')));
    expect(encodePyTorch(root)).toEqual(checked);
  });

  it('takes a part of a larger buffer', async () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const path = join(folder, 'part.pt');
    await writePyTorch(path, new Map([['w', { shape: [2], data }]]));
    const source = await openPyTorch(path);
    expect(await source.read('w')).toEqual(Float32Array.of(2, 3));
    await source.close();
  });

  it.each<[string, number[], RegExp]>([
    [
      'too few values',
      [4],
      /root\["a"\]\["b"\]\.data is "3 values"; expected 4 values for shape \[4\]/,
    ],
    ['a shape that is none', [-3], /root\["a"\]\["b"\]\.shape is \[-3\]/],
  ])('refuses %s', (_name, shape, message) => {
    const bad = new Map([['a', new Map([['b', { shape, data: new Float32Array(3) }]])]]);
    expect(() => encodePyTorch(bad)).toThrow(InvalidArgumentError);
    expect(() => encodePyTorch(bad)).toThrow(message);
  });
});
