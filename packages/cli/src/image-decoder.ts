import { tiledDecode } from '@harmonica/backbones';
import type { PixelImage } from '@harmonica/metrics';
import { compileFunction } from '@harmonica/onnx';
import { type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import type { Backend } from './backend.js';
import type { Model } from './model.js';
import { pixelImages } from './pixel-images.js';

/** Makes 8-bit RGB images of latents, one at a time, so that memory stays small and a stop is heard soon. */
export interface ImageDecoder {
  /**
   * @param latent row-major `[height, width, channels]`, as the model makes it
   * @throws {@link NonFiniteError} if the autoencoder makes NaN
   */
  decode(latent: Float32Array): Promise<PixelImage>;
  dispose(): Promise<void>;
}

/** Options of {@link createImageDecoder}. */
export interface ImageDecoderOptions {
  readonly model: Pick<Model, 'backbone' | 'tileSize'> & {
    readonly decode: NonNullable<Model['decode']>;
  };
  readonly backend: Backend;
}

/** The model's autoencoder on an engine: compiled at its first use where branches are, else op by op; large latents in tiles. */
export function createImageDecoder({ model, backend }: ImageDecoderOptions): ImageDecoder {
  const { height, width, channels } = model.backbone.spec.latent;
  const { run, dispose } = decodeOn(backend, model.decode);
  const { tileSize = Math.max(height, width) } = model;
  return {
    dispose,
    async decode(latent) {
      const input = tensor4d(latent, [1, height, width, channels]);
      try {
        const output = await tiledDecode({ latent: input, decode: run, tileSize });
        const [image] = await pixelImages(output).finally(() => output.dispose());
        return image as PixelImage;
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
