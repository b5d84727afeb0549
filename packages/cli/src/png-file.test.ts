import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileError, InvalidArgumentError } from '@harmonica/core';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/temporary-folder.js';
import { decodePng, encodePng, readPngSize } from './png-file.js';

describe('encodePng', () => {
  const data = Uint8Array.from({ length: 2 * 3 * 3 }, (_, i) => 14 * i);
  const image = { data, width: 2, height: 3, channels: 3 };

  it('writes what pngjs and decodePng read', () => {
    const file = encodePng(image);
    expect(decodePng(file)).toEqual(image);
    const png = PNG.sync.read(Buffer.from(file));
    expect([png.width, png.height]).toEqual([2, 3]);
    expect([...png.data.subarray(4, 8)]).toEqual([42, 56, 70, 255]);
  });

  it('refuses images that are not RGB', () => {
    expect(() => encodePng({ ...image, channels: 1 })).toThrow(InvalidArgumentError);
  });
});

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
