import { InvalidArgumentError } from '@harmonica/core';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { decodePng, encodePng } from './png.js';

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

  it('is read whatever stands behind it, and refused where it is cut off', () => {
    const file = encodePng(image);
    expect(decodePng(Buffer.concat([file, Buffer.from('trailing')]))).toEqual(image);
    for (let length = 0; length < file.length; length++) {
      expect(() => decodePng(file.subarray(0, length)), `${length} bytes`).toThrow();
    }
  });

  it('refuses images that are not RGB', () => {
    expect(() => encodePng({ ...image, channels: 1 })).toThrow(InvalidArgumentError);
  });
});
