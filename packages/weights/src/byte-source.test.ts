import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, FileError } from '@harmonica/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMemorySource } from './__fixtures__/memory-source.js';
import { type ByteSource, openByteFile, openWith } from './byte-source.js';

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harmonica-bytes-'));
  path = join(folder, 'bytes');
  await writeFile(path, bytes);
});
afterAll(() => rm(folder, { recursive: true }));

describe.each([
  ['openByteFile', () => openByteFile(path)],
  ['the memory source of the tests', async () => createMemorySource({ path: 'memory', bytes })],
])('%s', (_name, open) => {
  it('reads ranges, in any order and at once', async () => {
    const source = await open();
    expect(source.sizeBytes).toBe(100);
    const parts = await Promise.all([
      source.read({ begin: 90, end: 100 }),
      source.read({ begin: 0, end: 100 }),
      source.read({ begin: 7, end: 7 }),
    ]);
    expect(parts).toEqual([bytes.slice(90), bytes, new Uint8Array(0)]);
    await source.close();
  });

  it.each([
    { begin: 0, end: 101 },
    { begin: -1, end: 5 },
    { begin: 6, end: 5 },
    { begin: Number.NaN, end: 5 },
    { begin: 0, end: Infinity },
  ])('refuses bytes $begin to $end', async (range) => {
    const source = await open();
    await expect(source.read(range)).rejects.toThrow(CheckpointError);
    await source.close();
  });
});

describe('openByteFile', () => {
  it('refuses what is no file', async () => {
    await expect(openByteFile(folder)).rejects.toThrow(/is not a file/);
    await expect(openByteFile(join(folder, 'none'))).rejects.toThrow(FileError);
  });
});

describe('openWith', () => {
  it('closes the file when building on it fails, and hands the error on', async () => {
    const failure = new RangeError('no');
    const opened: ByteSource[] = [];
    const built = openWith(path, async (file) => {
      opened.push(file);
      throw failure;
    });
    await expect(built).rejects.toBe(failure);
    await expect(opened[0]?.read({ begin: 0, end: 1 })).rejects.toThrow(/closed/);
  });
});
