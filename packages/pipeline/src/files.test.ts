import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileError } from '@harmonica/core';
import { encodePng } from '@harmonica/pictures';
import { temporaryFolder } from '@harmonica/testing';
import { describe, expect, it } from 'vitest';
import { fileNameOf, readPngSize } from './files.js';

describe('readPngSize', () => {
  it('reads the size of a PNG file, and refuses others', async () => {
    const folder = await temporaryFolder();
    const [good, bad, short] = ['good', 'bad', 'short'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const data = new Uint8Array(300 * 7 * 3);
    await writeFile(good, encodePng({ data, width: 300, height: 7, channels: 3 }));
    await writeFile(bad, 'a text that is as long as the header of a picture');
    await writeFile(short, 'PNG');
    expect(await readPngSize(good)).toEqual({ width: 300, height: 7 });
    await expect(readPngSize(bad)).rejects.toThrow(FileError);
    await expect(readPngSize(short)).rejects.toThrow(FileError);
    await rm(folder, { recursive: true });
  });
});

describe('fileNameOf', () => {
  it.each([
    ['animal-bird', 'animal-bird'],
    ['x/../../../ESCAPED', 'x-..-..-..-ESCAPED'],
    ['../up', 'up'],
    ['\u001b[2J\u0007red\0', '-2J-red-'.slice(1)],
    ['..', 'none'],
    ['C:\\x', 'C-x'],
    ['Fußgänger 犬', 'Fußgänger-犬'],
    ['a'.repeat(300), 'a'.repeat(80)],
  ])('makes of %j a name that stays in its folder', (name, expected) => {
    expect(fileNameOf(name)).toBe(expected);
  });
});
