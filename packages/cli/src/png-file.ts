import { open } from 'node:fs/promises';
import { FileError, InvalidArgumentError } from '@harmonica/core';
import type { PixelImage } from '@harmonica/metrics';
import { PNG } from 'pngjs';
import { unreadable } from './read-file.js';

/**
 * An 8-bit RGB image as a PNG file.
 *
 * @throws {@link InvalidArgumentError} if it has another number of channels
 */
export function encodePng({ data, width, height, channels }: PixelImage): Uint8Array {
  if (channels !== 3) {
    throw new InvalidArgumentError({ argument: 'channels', value: channels, expected: '3 (RGB)' });
  }
  const png = new PNG({ width, height });
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      png.data[4 * pixel + channel] = data[3 * pixel + channel] as number;
    }
    png.data[4 * pixel + 3] = 255;
  }
  return PNG.sync.write(png, { colorType: 2 });
}

/** The 8-bit RGB image in a PNG file; transparency is dropped. */
export function decodePng(file: Uint8Array): PixelImage & { readonly data: Uint8Array } {
  const png = PNG.sync.read(Buffer.from(file));
  const { width, height } = png;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    data[i] = png.data[4 * Math.floor(i / 3) + (i % 3)] as number;
  }
  return { data, width, height, channels: 3 };
}

/** {@link decodePng} of what is in a file. @throws {@link FileError} if it is not a picture */
export function decodePngOf(path: string, file: Uint8Array): ReturnType<typeof decodePng> {
  try {
    return decodePng(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const problem = `is not a PNG image (${reason})`;
    throw new FileError({ path, problem, fix: 'Repair it or take it away.', cause });
  }
}

/** Where the header chunk of every PNG file has its numbers, after the signature. */
const HEADER = { bytes: 24, name: 12, width: 16, height: 20 };

/**
 * Height and width of a PNG file, of its first bytes alone.
 *
 * @throws {@link FileError} if it is not one, or cannot be read
 */
export async function readPngSize(path: string): Promise<Pick<PixelImage, 'height' | 'width'>> {
  const file = await open(path).catch((cause) => {
    throw unreadable(path, cause);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER.bytes), 0, HEADER.bytes, 0);
    if (
      bytesRead < HEADER.bytes ||
      buffer.toString('latin1', HEADER.name, HEADER.width) !== 'IHDR'
    ) {
      const fix = 'Give a file that a picture program reads.';
      throw new FileError({ path, problem: 'is not a PNG file', fix });
    }
    return { width: buffer.readUInt32BE(HEADER.width), height: buffer.readUInt32BE(HEADER.height) };
  } finally {
    await file.close();
  }
}
