import type { AutoencoderKl } from '@harmonica/backbones';
import { compileFunction } from '@harmonica/onnx';
import { concat, exp, mul, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import type { Backend } from './backend.js';
import type { ImageSize } from './fit-image.js';

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
export interface EncoderOfOptions {
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
  dispose(): Promise<void>;
}

/** Options of {@link createImageEncoder}. */
export interface ImageEncoderOptions {
  readonly encoder: Encoder;
  readonly backend: Backend;
}

/** A model's encoder on an engine: compiled at its first use where branches are, else op by op. */
export function createImageEncoder({ encoder, backend }: ImageEncoderOptions): CompiledEncoder {
  const { image } = encoder;
  const { executionProvider, threads } = backend;
  if (!executionProvider) {
    return { image, encode: async (x) => encoder.encode(x), dispose: async () => {} };
  }
  const compiled = compileFunction((x: Tensor4D) => encoder.encode(x), {
    executionProviders: [executionProvider],
    ...(threads !== undefined && { threads }),
  });
  return { image, encode: compiled, dispose: () => compiled.dispose() };
}
