import { type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import { assertArgument } from './checks.js';
import { createRng } from './rng.js';

/** The noise of a sampling run. Every image has its own seed, so an image does not depend on its batch. */
export interface NoiseSource {
  /** Standard normal `[batch, height, width, channels]`; the caller disposes it. */
  initial(): Tensor4D;
  /** Fresh noise for a step of a stochastic sampler. The same call gives the same noise. */
  step(index: number): Tensor4D;
}

/** Options of the noise of images. */
export interface NoiseOptions {
  /** One seed per image. */
  readonly seeds: readonly number[];
  /** Latent size of one image. */
  readonly latent: { readonly height: number; readonly width: number; readonly channels: number };
}

/**
 * Gaussian noise by seed: stream 0 of an image's seed is its initial latent, stream i + 1 the noise of step i, in
 * row-major NHWC order.
 *
 * @throws {@link InvalidArgumentError} if there are no seeds or one is not an integer in [0, 2^53)
 */
export function createNoise({ seeds, latent }: NoiseOptions): NoiseSource {
  assertArgument({ seeds }, 'at least one seed', seeds.length !== 0);
  const { height, width, channels } = latent;
  const size = height * width * channels;
  const draw = (stream: number): Tensor4D => {
    const values = new Float32Array(seeds.length * size);
    seeds.forEach((seed, i) => {
      createRng({ seed, stream }).fillNormal(values.subarray(i * size, (i + 1) * size));
    });
    return tensor4d(values, [seeds.length, height, width, channels]);
  };
  return { initial: () => draw(0), step: (index) => draw(index + 1) };
}
