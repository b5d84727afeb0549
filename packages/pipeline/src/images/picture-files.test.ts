import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FileError } from '@harmonica/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pictureFiles } from './picture-files.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harmonica-pictures-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), '');
  }
}

it('finds pictures in folders, and none of another kind', async () => {
  await write('b.PNG', 'a.png', 'a.jpg', 'c/1.png', 'c/d/2.png', 'folder.png/3.png');
  expect(await pictureFiles(folder)).toEqual([
    'a.png',
    'b.PNG',
    'c/1.png',
    'c/d/2.png',
    'folder.png/3.png',
  ]);
});

it('follows links to folders and files', async () => {
  await write('own/1.png');
  const other = await mkdtemp(join(tmpdir(), 'harmonica-others-'));
  await writeFile(join(other, '2.png'), '');
  await symlink(other, join(folder, 'linked'));
  await symlink(join(other, '2.png'), join(folder, 'link.png'));
  expect(await pictureFiles(folder)).toEqual(['link.png', 'linked/2.png', 'own/1.png']);
  await rm(other, { recursive: true });
});

it('leaves out the grid of a folder of samples, and no other picture of that name', async () => {
  await write('grid.png', 'samples/1.png', 'samples/grid.png', 'samples/run.json');
  expect(await pictureFiles(folder)).toEqual(['grid.png', 'samples/1.png']);
});

it('says when there is no such folder', async () => {
  await expect(pictureFiles(join(folder, 'none'))).rejects.toThrow(FileError);
});
