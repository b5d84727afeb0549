import type { PixelImage } from '@harmonica/metrics';
import {
  avgPool,
  image as images,
  slice,
  type Tensor4D,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';

/** Size in pixels. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/**
 * An 8-bit image as an autoencoder takes it: halved by averages as long as it is twice too large, resized bilinearly until
 * it just covers the size, and cropped at its centre (guided-diffusion's `center_crop_arr`, with bilinear for bicubic).
 *
 * @returns `[1, height, width, channels]` in [-1, 1]; the caller disposes it
 */
export function fitImage(image: PixelImage, { height, width }: ImageSize): Tensor4D {
  return tidy(() => {
    const values = Float32Array.from(image.data, (byte) => byte / 127.5 - 1);
    let batch = tensor4d(values, [1, image.height, image.width, image.channels]);
    while (batch.shape[1] >= 2 * height && batch.shape[2] >= 2 * width) {
      batch = avgPool(batch, 2, 2, 'valid');
    }
    const [, rows, columns, channels] = batch.shape;
    const scale = Math.max(height / rows, width / columns);
    const size: [number, number] = [Math.round(rows * scale), Math.round(columns * scale)];
    const covering = scale === 1 ? batch : images.resizeBilinear(batch, size, false, true);
    const top = Math.floor((size[0] - height) / 2);
    const left = Math.floor((size[1] - width) / 2);
    return slice(covering, [0, top, left, 0], [1, height, width, channels]);
  });
}
