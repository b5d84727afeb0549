import { type AutoencoderKl, tiledDecode } from '@harmonica/backbones';
import type { BackboneSpec, PixelImage } from '@harmonica/core';
import { compileFunction } from '@harmonica/onnx';
import { pixelImages } from '@harmonica/pictures';
import {
  avgPool,
  concat,
  exp,
  image as images,
  mul,
  slice,
  type Tensor4D,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import type { Backend } from '../engine/select-backend.js';

/** Makes 8-bit RGB images of latents, few at a time, so that memory stays small and a stop is heard soon. */
export interface ImageDecoder {
  /** Most latents that are decoded at a time: one large one, or small ones of as many pixels together. */
  readonly batchSize: number;
  /**
   * @param latents row-major `[height, width, channels]` each, as the model makes them
   * @throws {@link NonFiniteError} if the autoencoder makes NaN
   */
  decode(latents: readonly Float32Array[]): Promise<readonly PixelImage[]>;
  /** Frees what was compiled. */
  dispose(): Promise<void>;
}

/** Options of {@link createImageDecoder}. */
export interface ImageDecoderOptions {
  /** A model with an autoencoder. */
  readonly model: {
    readonly backbone: { readonly spec: Pick<BackboneSpec, 'latent'> };
    /** Images `[B, H, W, 3]` of latents `[B, h, w, channels]`. */
    readonly decode: (latent: Tensor4D) => Tensor4D;
    /** In latent pixels. Default: latents are decoded whole. */
    readonly tileSize?: number | undefined;
  };
  readonly backend: Backend;
}

/** Latent pixels that are decoded together: those of one image of 512 x 512. */
const PIXELS_TOGETHER = 64 * 64;

/** The model's autoencoder on an engine: compiled at its first use where branches are, else op by op; large latents in tiles. */
export function createImageDecoder({ model, backend }: ImageDecoderOptions): ImageDecoder {
  const { height, width, channels } = model.backbone.spec.latent;
  const { run, dispose } = runOn(backend, model.decode);
  const { tileSize = Math.max(height, width) } = model;
  const size = height * width * channels;
  return {
    batchSize: Math.max(1, Math.floor(PIXELS_TOGETHER / (height * width))),
    dispose,
    async decode(latents) {
      const values = new Float32Array(latents.length * size);
      for (const [i, latent] of latents.entries()) values.set(latent, i * size);
      const input = tensor4d(values, [latents.length, height, width, channels]);
      try {
        const output = await tiledDecode({ latent: input, decode: run, tileSize });
        return await pixelImages(output).finally(() => output.dispose());
      } finally {
        input.dispose();
      }
    },
  };
}

/** A function on an engine: compiled at its first use where branches are, else op by op. */
function runOn({ executionProvider, threads }: Backend, of: (input: Tensor4D) => Tensor4D) {
  if (!executionProvider) {
    return { run: async (input: Tensor4D) => of(input), dispose: async () => {} };
  }
  const compiled = compileFunction(of, {
    executionProviders: [executionProvider],
    ...(threads !== undefined && { threads }),
  });
  return { run: compiled, dispose: () => compiled.dispose() };
}

/** Makes distributions of latents of images. */
export interface Encoder {
  /** What images of the model's latents measure. */
  readonly image: ImageSize;
  /**
   * @param image `[B, height, width, 3]` in [-1, 1]. Not disposed.
   * @returns mean, then standard deviation of scaled latents, `[B, h, w, 2 * channels]`; the caller disposes it
   */
  encode(image: Tensor4D): Tensor4D;
}

/** Options of {@link encoderOf}. */
interface EncoderOfOptions {
  readonly autoencoder: AutoencoderKl;
  /** What latents are multiplied by. */
  readonly scale: number;
  /** Of the model. */
  readonly latent: ImageSize;
}

/** The encoder of an autoencoder, as a model's latents are scaled. */
export function encoderOf({ autoencoder, scale, latent }: EncoderOfOptions): Encoder {
  const { downsampling } = autoencoder;
  return {
    image: { height: downsampling * latent.height, width: downsampling * latent.width },
    encode: (image) =>
      tidy(() => {
        const { mean, logVariance } = autoencoder.encode(image);
        const deviation = exp(mul(logVariance, 0.5));
        return mul(concat([mean, deviation], 3), scale) as Tensor4D;
      }),
  };
}

/** An encoder on an engine. */
export interface CompiledEncoder extends Pick<Encoder, 'image'> {
  /** As that of {@link Encoder}. */
  encode(image: Tensor4D): Promise<Tensor4D>;
  /** Frees what was compiled. */
  dispose(): Promise<void>;
}

/** Options of {@link createImageEncoder}. */
export interface ImageEncoderOptions {
  readonly encoder: Encoder;
  readonly backend: Backend;
}

/** A model's encoder on an engine: compiled at its first use where branches are, else op by op. */
export function createImageEncoder({ encoder, backend }: ImageEncoderOptions): CompiledEncoder {
  const { run, dispose } = runOn(backend, (image) => encoder.encode(image));
  return { image: encoder.image, encode: run, dispose };
}

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
