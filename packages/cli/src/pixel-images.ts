import { NonFiniteError } from '@harmonica/core';
import type { PixelImage } from '@harmonica/metrics';
import type { Tensor4D } from '@tensorflow/tfjs-core';

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
