/** An image as row-major interleaved samples, `[height, width, channels]`. */
export interface PixelImage {
  /** `height * width * channels` samples. */
  readonly data: PixelArray;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Samples per pixel, such as 3 for RGB. */
  readonly channels: number;
}

/** A typed array that holds samples of an image. */
export type PixelArray = Uint8Array | Uint8ClampedArray | Float32Array | Float64Array;
