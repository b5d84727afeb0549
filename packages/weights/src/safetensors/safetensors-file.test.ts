import { mkdir, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AbortedError,
  CheckpointError,
  DisposedError,
  FileError,
  InvalidArgumentError,
} from '@harmonica/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectedTensors, expectTensors, fixture } from '../__fixtures__/fixtures.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';
import { openSafetensors, writeSafetensors } from './safetensors-file.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harmonica-weights-'));
});
afterAll(() => rm(folder, { recursive: true }));

const tensors = new Map([
  ['b', { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }],
  ['a', { shape: [], data: Float32Array.of(-0.5) }],
]);

describe('openSafetensors', () => {
  it.each(['f32.safetensors', 'f16.safetensors', 'bf16.safetensors', 'types.safetensors'])(
    'reads %s of the Python library exactly',
    async (name) => {
      const source = await openSafetensors(fixture(name));
      expect(source.metadata).toEqual({ format: 'pt' });
      await expectTensors({ source, expected: expectedTensors(name) });
    },
  );

  it('reads only the header and the tensors that are asked for', async () => {
    const path = join(folder, 'sparse.safetensors');
    const count = 2 ** 35; // 128 GiB, more than any memory here
    const end = count * 4 + 8;
    const json = new TextEncoder().encode(
      `{"huge":{"dtype":"F32","shape":[${count}],"data_offsets":[0,${count * 4}]},` +
        `"small":{"dtype":"F32","shape":[2],"data_offsets":[${count * 4},${end}]}}`,
    );
    const prefix = new Uint8Array(8);
    new DataView(prefix.buffer).setBigUint64(0, BigInt(json.length), true);
    const file = await open(path, 'w');
    await file.write(Buffer.concat([prefix, json]));
    await file.write(new Uint8Array(Float32Array.of(5, 6).buffer), 0, 8, 8 + json.length + end - 8);
    await file.close();
    const source = await openSafetensors(path);
    expect(await source.read('small')).toEqual(Float32Array.of(5, 6));
    expect(source.info('huge').shape).toEqual([count]);
    await source.close();
  });

  it('names the nearest tensors when one is missing', async () => {
    const source = await openSafetensors(fixture('f32.safetensors'));
    expect(() => source.info('block.0.bias')).toThrow(CheckpointError);
    expect(() => source.info('block.0.bias')).toThrow(/nearest of 4 names: blocks\.0\.bias,/);
    await expect(source.read('block.0.bias')).rejects.toThrow(CheckpointError);
    await source.close();
  });

  it('refuses to read after close, which may come twice', async () => {
    const source = await openSafetensors(fixture('f32.safetensors'));
    await source.close();
    await source.close();
    await expect(source.read('scale')).rejects.toThrow(DisposedError);
  });

  it('says when there is no such file, or none that is a file', async () => {
    await expect(openSafetensors(join(folder, 'none'))).rejects.toThrow(FileError);
    await expect(openSafetensors(join(folder, 'none'))).rejects.toThrow(/ENOENT/);
    await expect(openSafetensors(folder)).rejects.toThrow(FileError);
  });

  it('says when the file is truncated, and when it shrinks while open', async () => {
    const path = join(folder, 'truncated.safetensors');
    const bytes = encodeSafetensors({ tensors });
    await writeFile(path, bytes.subarray(0, -1));
    await expect(openSafetensors(path)).rejects.toThrow(/truncated/);
    await writeFile(path, bytes);
    const source = await openSafetensors(path);
    await writeFile(path, bytes.subarray(0, -5));
    await expect(source.read('b')).rejects.toThrow(/became shorter/);
    await source.close();
  });
});

describe('writeSafetensors', () => {
  it.each(['f32', 'f16', 'bf16'] as const)(
    'writes what encodeSafetensors gives, %s',
    async (dtype) => {
      const path = join(folder, `${dtype}.safetensors`);
      await writeSafetensors(path, { tensors, dtype, metadata: { made: 'here' } });
      const expected = encodeSafetensors({ tensors, dtype, metadata: { made: 'here' } });
      expect(new Uint8Array(await readFile(path))).toEqual(expected);
      expect(decodeSafetensors(await readFile(path)).tensors.size).toBe(2);
    },
  );

  it('writes the bytes of the Python library', async () => {
    const file = await readFile(fixture('f32.safetensors'));
    const { tensors: read, metadata } = decodeSafetensors(file);
    expect(encodeSafetensors({ tensors: read, metadata })).toEqual(new Uint8Array(file));
  });

  it('leaves the old file and nothing else when a tensor is bad', async () => {
    const inside = join(folder, 'inside');
    await mkdir(inside);
    const path = join(inside, 'kept.safetensors');
    await writeFile(path, 'old');
    const bad = new Map([...tensors, ['c', { shape: [9], data: new Float32Array(1) }]]);
    await expect(writeSafetensors(path, { tensors: bad })).rejects.toThrow(InvalidArgumentError);
    const signal = AbortSignal.abort();
    await expect(writeSafetensors(path, { tensors, signal })).rejects.toThrow(AbortedError);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(inside)).toEqual(['kept.safetensors']);
  });

  it('replaces what a link points to, not the link', async () => {
    const [target, link] = [join(folder, 'target'), join(folder, 'link')];
    await writeFile(target, 'old');
    await symlink(target, link);
    await writeSafetensors(link, { tensors });
    expect(new Uint8Array(await readFile(target))).toEqual(encodeSafetensors({ tensors }));
  });
});
