import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileError } from '@harmonica/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { linkBlob } from './hub-cache.js';

vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof import('node:fs/promises')>();
  return { ...actual, symlink: vi.fn(actual.symlink) };
});

let folder: string;
let blob: string;
let name: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harmonica-cache-'));
  await mkdir(join(folder, 'blobs'));
  blob = join(folder, 'blobs', 'abc');
  name = join(folder, 'snapshots', '0', 'config.json');
  await writeFile(blob, 'content');
});
afterEach(() => rm(folder, { recursive: true }));

describe('linkBlob', () => {
  it('makes a link that moves with the cache', async () => {
    await linkBlob({ blob, name });
    expect((await lstat(name)).isSymbolicLink()).toBe(true);
    expect(await readFile(name, 'utf8')).toBe('content');
    expect(await readdir(join(folder, 'snapshots', '0'))).toEqual(['config.json']);
  });

  it('makes do with a hard link where there are no others', async () => {
    vi.mocked(symlink).mockRejectedValueOnce(new Error('EPERM'));
    await linkBlob({ blob, name });
    expect((await lstat(name)).isFile()).toBe(true);
    expect((await lstat(name)).ino).toBe((await lstat(blob)).ino);
  });

  it('replaces a link that leads nowhere', async () => {
    await linkBlob({ blob: join(folder, 'blobs', 'gone'), name });
    await linkBlob({ blob, name });
    expect(await readFile(name, 'utf8')).toBe('content');
  });

  it('says when the folder cannot be written', async () => {
    const linked = linkBlob({ blob, name: join(blob, 'below', 'a', 'file') });
    await expect(linked).rejects.toThrow(FileError);
  });
});
