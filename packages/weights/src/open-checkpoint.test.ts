import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, FileError, InvalidArgumentError } from '@harmonica/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectedTensors, expectTensors, fixture } from './__fixtures__/fixtures.js';
import { openCheckpoint } from './open-checkpoint.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harmonica-open-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('openCheckpoint', () => {
  it.each(['f16.safetensors', 'mixed.pt', 'legacy.pt', 'sharded/model.safetensors.index.json'])(
    'opens %s',
    async (name) => {
      await expectTensors({
        source: await openCheckpoint(fixture(name)),
        expected: expectedTensors(name),
      });
    },
  );

  it('goes by content, not by name', async () => {
    await copyFile(fixture('f32.safetensors'), join(folder, 'weights.pt'));
    await copyFile(fixture('no-checksums.pt'), join(folder, 'weights.bin'));
    const safetensors = await openCheckpoint(join(folder, 'weights.pt'));
    await expectTensors({ source: safetensors, expected: expectedTensors('f32.safetensors') });
    const pytorch = await openCheckpoint(join(folder, 'weights.bin'));
    await expectTensors({ source: pytorch, expected: expectedTensors('no-checksums.pt') });
  });

  it('opens the index in a folder', async () => {
    const source = await openCheckpoint(fixture('sharded'));
    const expected = expectedTensors('sharded/model.safetensors.index.json');
    await expectTensors({ source, expected });
  });

  it('opens the one safetensors file in a folder', async () => {
    await copyFile(fixture('f32.safetensors'), join(folder, 'model.safetensors'));
    const source = await openCheckpoint(folder);
    await expectTensors({ source, expected: expectedTensors('f32.safetensors') });
  });

  it('does not guess between several files, nor without any', async () => {
    await expect(openCheckpoint(folder)).rejects.toThrow(/no \*\.safetensors.* in this folder/);
    await copyFile(fixture('f32.safetensors'), join(folder, 'a.safetensors'));
    await copyFile(fixture('f32.safetensors'), join(folder, 'b.safetensors'));
    await expect(openCheckpoint(folder)).rejects.toThrow(/several.*a\.safetensors, b\.safetensors/);
  });

  it('selects a part of a PyTorch checkpoint, and of no other', async () => {
    const source = await openCheckpoint(fixture('router-checkpoint.pt'), { select: 'routers' });
    expect(source.names).toEqual(Array.from({ length: 10 }, (_, step) => `${step}.prob`));
    await source.close();
    for (const name of ['f32.safetensors', 'sharded']) {
      const opened = openCheckpoint(fixture(name), { select: 'ema' });
      await expect(opened).rejects.toThrow(InvalidArgumentError);
    }
  });

  it('refuses other files', async () => {
    const path = join(folder, 'other');
    await expect(openCheckpoint(path)).rejects.toThrow(FileError);
    for (const content of ['', 'text', 'a longer text, of more than nine bytes']) {
      await writeFile(path, content);
      await expect(openCheckpoint(path)).rejects.toThrow(CheckpointError);
      await expect(openCheckpoint(path)).rejects.toThrow(/neither safetensors nor/);
    }
  });
});
