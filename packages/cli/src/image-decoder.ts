import { tiledDecode } from '@harmonica/backbones';
import type { PixelImage } from '@harmonica/metrics';
import { compileFunction } from '@harmonica/onnx';
import { type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import type { Backend } from './backend.js';
import type { Model } from './model.js';
import { pixelImages } from './pixel-images.js';

/** Makes 8-bit RGB images of latents, few at a time, so that memory stays small and a stop is heard soon. */
export interface ImageDecoder {
  /** Most latents that are decoded at a time: one large one, or small ones of as many pixels together. */
  readonly batchSize: number;
  /**
   * @param latents row-major `[height, width, channels]` each, as the model makes them
   * @throws {@link NonFiniteError} if the autoencoder makes NaN
   */
  decode(latents: readonly Float32Array[]): Promise<readonly PixelImage[]>;
  dispose(): Promise<void>;
}

/** Options of {@link createImageDecoder}. */
export interface ImageDecoderOptions {
  readonly model: Pick<Model, 'backbone' | 'tileSize'> & {
    readonly decode: NonNullable<Model['decode']>;
  };
  readonly backend: Backend;
}

/** Latent pixels that are decoded together: those of one image of 512 x 512. */
const PIXELS_TOGETHER = 64 * 64;

/** The model's autoencoder on an engine: compiled at its first use where branches are, else op by op; large latents in tiles. */
export function createImageDecoder({ model, backend }: ImageDecoderOptions): ImageDecoder {
  const { height, width, channels } = model.backbone.spec.latent;
  const { run, dispose } = decodeOn(backend, model.decode);
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

function decodeOn({ executionProvider, threads }: Backend, decode: (latent: Tensor4D) => Tensor4D) {
  if (!executionProvider) {
    return { run: async (latent: Tensor4D) => decode(latent), dispose: async () => {} };
  }
  const compiled = compileFunction(decode, {
    executionProviders: [executionProvider],
    ...(threads !== undefined && { threads }),
  });
  return { run: compiled, dispose: () => compiled.dispose() };
}
