import { InvalidArgumentError } from '@harmonica/core';
import type { PixelImage } from '@harmonica/metrics';
import { PNG } from 'pngjs';

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
