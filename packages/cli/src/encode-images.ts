import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import {
  type LongCallOptions,
  NonFiniteError,
  throwIfAborted,
  trackProgress,
} from '@harmonica/core';
import type { PixelImage } from '@harmonica/metrics';
import { fitImage } from './fit-image.js';
import type { CompiledEncoder } from './image-encoder.js';
import type { LabeledImage } from './labeled-images.js';
import type { LatentSet } from './latent-set.js';
import { decodePngOf } from './png-file.js';
import { readBytes } from './read-file.js';

/** Options of {@link encodeImages}. */
export interface EncodeImagesOptions extends LongCallOptions, LongCallOptions {
  readonly images: readonly LabeledImage[];
  readonly encoder: CompiledEncoder;
}

/**
 * The latents of images, one after the other, with a progress bar.
 *
 * @throws {@link FileError} if one is not a PNG that can be read; {@link AbortedError}
 * @throws {@link NonFiniteError} if the autoencoder makes NaN
 */
export async function encodeImages(options: EncodeImagesOptions): Promise<LatentSet> {
  const { images, encoder, signal, onProgress } = options;
  const progress = trackProgress({ onProgress, label: 'encoding', total: images.length });
  const hash = createHash('sha256');
  const parts: Halves[] = [];
  for (const { path, label } of images) {
    await setImmediate(); // Ctrl-C is heard between two images, whatever the engine
    throwIfAborted(signal, 'Encoding');
    const file = await readBytes(path);
    hash.update(file).update(`\n${label}\n`);
    parts.push(await encodeOne(encoder, decodePngOf(path, file)));
    progress.add();
  }
  return {
    labels: images.map(({ label }) => label),
    means: joined(parts.map(({ mean }) => mean)),
    deviations: joined(parts.map(({ deviation }) => deviation)),
    sha256: hash.digest('hex'),
  };
}

interface Halves {
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
}

async function encodeOne(encoder: CompiledEncoder, image: PixelImage): Promise<Halves> {
  const input = fitImage(image, encoder.image);
  const output = await encoder.encode(input).finally(() => input.dispose());
  const both = (await output.data().finally(() => output.dispose())) as Float32Array;
  if (!both.every(Number.isFinite)) throw new NonFiniteError({ site: 'latent' });
  const channels = output.shape[3] / 2;
  const half = (first: number) => both.filter((_, i) => Math.floor(i / channels) % 2 === first);
  return { mean: half(0), deviation: half(1) };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const size = parts[0]?.length ?? 0;
  const all = new Float32Array(parts.length * size);
  parts.forEach((part, i) => {
    all.set(part, i * size);
  });
  return all;
}
