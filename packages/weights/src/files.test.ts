import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AbortedError, FileError } from '@harmonica/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomic } from './files.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harmonica-atomic-'));
  path = join(folder, 'file');
});
afterEach(() => rm(folder, { recursive: true }));

const text = (bytes: string) => new TextEncoder().encode(bytes);

describe('writeFileAtomic', () => {
  it('joins chunks that are at hand or still to come', async () => {
    await writeFileAtomic({ path, chunks: [text('one '), text(''), text('two')] });
    expect(await readFile(path, 'utf8')).toBe('one two');
    async function* chunks() {
      yield text('three');
    }
    await writeFileAtomic({ path, chunks: chunks() });
    expect(await readFile(path, 'utf8')).toBe('three');
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('keeps the old file until the last chunk is written', async () => {
    await writeFile(path, 'old');
    const seen: string[] = [];
    async function* chunks() {
      yield text('new');
      seen.push(await readFile(path, 'utf8'));
    }
    await writeFileAtomic({ path, chunks: chunks() });
    expect(seen).toEqual(['old']);
    expect(await readFile(path, 'utf8')).toBe('new');
  });

  it('leaves the old file and no other when a chunk fails', async () => {
    await writeFile(path, 'old');
    const failure = new RangeError('no more chunks');
    function* chunks() {
      yield text('half');
      throw failure;
    }
    await expect(writeFileAtomic({ path, chunks: chunks() })).rejects.toBe(failure);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('stops between chunks when told to', async () => {
    const controller = new AbortController();
    function* chunks() {
      yield text('half');
      controller.abort();
      yield text('rest');
    }
    const write = writeFileAtomic({ path, chunks: chunks(), signal: controller.signal });
    await expect(write).rejects.toThrow(AbortedError);
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves the old file when the process is killed half-way', async () => {
    await writeFile(path, 'old');
    const module = new URL('./files.ts', import.meta.url).href;
    const script = `
      import { writeFileAtomic } from ${JSON.stringify(module)};
      async function* chunks() {
        yield Buffer.from('half');
        process.stdout.write('written');
        await new Promise(() => setInterval(() => {}, 1000));
      }
      await writeFileAtomic({ path: ${JSON.stringify(path)}, chunks: chunks() });`;
    const options = ['--conditions=@harmonica/source', '--import=tsx', '--input-type=module'];
    const child = spawn(process.execPath, [...options, '--eval', script]);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  it('says when the folder is missing or cannot be written', async () => {
    const missing = writeFileAtomic({ path: join(folder, 'none', 'file'), chunks: [] });
    await expect(missing).rejects.toThrow(FileError);
    await expect(missing).rejects.toThrow(
      /cannot be written \(ENOENT: no such file or directory\)/,
    );
    await writeFile(path, 'a file, not a folder');
    await expect(writeFileAtomic({ path: join(path, 'file'), chunks: [] })).rejects.toThrow(
      /ENOTDIR/,
    );
    await expect(writeFileAtomic({ path: '/proc/file', chunks: [] })).rejects.toThrow(FileError);
    await expect(writeFileAtomic({ path: 'a\0b', chunks: [] })).rejects.toThrow(FileError);
  });

  it('does not replace a folder', async () => {
    const write = writeFileAtomic({ path: folder, chunks: [text('x')] });
    await expect(write).rejects.toThrow(FileError);
    expect(await readdir(folder)).toEqual([]);
  });
});
