import { InvalidArgumentError, NonFiniteError, type PixelImage } from '@harmonica/core';
import type { Tensor4D } from '@tensorflow/tfjs-core';
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

/** The 8-bit RGB image in a PNG file; transparency is dropped, and so is what stands behind the image's end. */
export function decodePng(file: Uint8Array): PixelImage & { readonly data: Uint8Array } {
  const png = PNG.sync.read(Buffer.from(file.subarray(0, endOfImage(file))));
  const { width, height } = png;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    data[i] = png.data[4 * Math.floor(i / 3) + (i % 3)] as number;
  }
  return { data, width, height, channels: 3 };
}

/** Sizes of the parts of a PNG file, in bytes: of its signature, and of what a chunk has besides its data. */
const SIGNATURE = 8;
const CHUNK = 12;

/** Where the chunk `IEND` ends, which readers stop at; the end of the file if there is none. */
function endOfImage(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = SIGNATURE; at + CHUNK <= file.length; ) {
    const next = at + CHUNK + view.getUint32(at);
    if (String.fromCharCode(...file.subarray(at + 4, at + 8)) === 'IEND') return next;
    at = next;
  }
  return file.length;
}

/**
 * The images of a batch in bytes: -1 becomes 0 and 1 becomes 255; what lies beyond is clipped.
 *
 * @param batch `[B, H, W, C]`. Not disposed.
 * @throws {@link NonFiniteError} if a value is NaN or infinite
 */
export async function pixelImages(batch: Tensor4D): Promise<PixelImage[]> {
  const [count, height, width, channels] = batch.shape;
  const bytes = toBytes((await batch.data()) as Float32Array);
  const size = height * width * channels;
  return Array.from({ length: count }, (_, i) => ({
    data: bytes.subarray(i * size, (i + 1) * size),
    width,
    height,
    channels,
  }));
}

function toBytes(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) throw new NonFiniteError({ site: 'image' });
    bytes[i] = Math.round(Math.min(1, Math.max(0, (value + 1) / 2)) * 255);
  }
  return bytes;
}
