import { setImmediate } from 'node:timers/promises';
import {
  InvalidArgumentError,
  type LongCallOptions,
  throwIfAborted,
  trackProgress,
} from '@harmonica/core';
import type { PixelImage } from '@harmonica/metrics';
import type { Session } from './session.js';

/** Options of {@link decodeImages}. */
export interface DecodeImagesOptions extends LongCallOptions, LongCallOptions {
  readonly session: Pick<Session, 'decoder'>;
  readonly latents: readonly Float32Array[];
}

/** Result of {@link decodeImages}. */
export interface DecodedImages {
  /** 8-bit RGB, one for each latent. */
  readonly images: readonly PixelImage[];
  /** Wall time in ms. */
  readonly decodingMs: number;
}

/**
 * Decodes latents, as many at a time as the decoder takes, with a progress bar.
 *
 * @throws {@link InvalidArgumentError} if the model has no autoencoder; {@link AbortedError}
 */
export async function decodeImages(options: DecodeImagesOptions): Promise<DecodedImages> {
  const { session, latents, signal, onProgress } = options;
  const { decoder } = session;
  if (!decoder) {
    throw new InvalidArgumentError({
      argument: '--vae',
      value: undefined,
      expected: 'an autoencoder, because images are wanted',
    });
  }
  const progress = trackProgress({ onProgress, label: 'decoding', total: latents.length });
  const began = performance.now();
  const images: PixelImage[] = [];
  for (let start = 0; start < latents.length; start += decoder.batchSize) {
    await setImmediate(); // Ctrl-C is heard between two batches, whatever the engine
    throwIfAborted(signal, 'Decoding');
    const decoded = await decoder.decode(latents.slice(start, start + decoder.batchSize));
    images.push(...decoded);
    progress.add(decoded.length);
  }
  return { images, decodingMs: performance.now() - began };
}
