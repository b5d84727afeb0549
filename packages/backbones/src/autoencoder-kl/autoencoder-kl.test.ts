import '@tensorflow/tfjs';
import { DisposedError, InvalidArgumentError, ShapeError } from '@harmonica/core';
import { engine, memory, type Tensor, type Tensor4D, tidy, zeros } from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { directionalError, randomTensor } from '../../test/derivative.js';
import { kernelsOf } from '../../test/kernels.js';
import type { AutoencoderKl } from './autoencoder-kl.js';
import { autoencoderKlConfig, autoencoderKlPreset } from './config.js';
import { randomAutoencoderKl } from './load-autoencoder-kl.js';

const CONFIG = autoencoderKlConfig({
  blockOutChannels: [4, 8],
  layersPerBlock: 1,
  normNumGroups: 2,
});

let autoencoder: AutoencoderKl;
beforeAll(() => {
  autoencoder = randomAutoencoderKl({ config: CONFIG, seed: 1 });
});
afterAll(() => autoencoder.dispose());
afterEach(() => vi.restoreAllMocks());

const latentOf = (batch = 1) => randomTensor(3, [batch, 3, 2, 4]) as Tensor4D;
const imageOf = (batch = 1) => randomTensor(4, [batch, 6, 4, 3]) as Tensor4D;

describe('an AutoencoderKL', () => {
  it('shrinks images by its downsampling and enlarges latents by it', () => {
    tidy(() => {
      const { mean, logVariance } = autoencoder.encode(imageOf());
      expect(autoencoder.downsampling).toBe(2);
      expect([mean.shape, logVariance.shape]).toEqual([
        [1, 3, 2, 4],
        [1, 3, 2, 4],
      ]);
      expect(autoencoder.decode(latentOf()).shape).toEqual([1, 6, 4, 3]);
    });
  });

  it('has a decoder whose gradient agrees with central differences', () => {
    const latent = latentOf();
    const f = (x: Tensor) => autoencoder.decode(x as Tensor4D);
    expect(directionalError(f, latent)).toBeLessThan(1e-2);
    latent.dispose();
  });

  it('has an encoder whose gradient agrees with central differences', () => {
    const image = imageOf();
    const f = (x: Tensor) => autoencoder.encode(x as Tensor4D).mean;
    expect(directionalError(f, image)).toBeLessThan(1e-2);
    image.dispose();
  });

  it('can be traced: never reads a tensor', () => {
    const read = vi.spyOn(engine(), 'readSync');
    tidy(() => {
      autoencoder.encode(imageOf());
      autoencoder.decode(latentOf());
    });
    expect(read).not.toHaveBeenCalled();
  });

  it('runs the same kernels, with the same attributes, for every batch size', () => {
    const calls = [1, 2].map((batch) =>
      kernelsOf(() => {
        const { mean, logVariance } = autoencoder.encode(imageOf(batch));
        return [mean, logVariance, autoencoder.decode(latentOf(batch))];
      }).map(({ name, attributes }) => ({ name, attributes })),
    );
    expect(calls[0]).toEqual(calls[1]);
  });

  it('keeps to tensors of rank 4 at most, which every backend transposes fast', () => {
    const calls = kernelsOf(() => [autoencoder.decode(latentOf())]);
    const ranks = calls.flatMap(({ shapes }) => shapes.map((shape) => shape.length));
    expect(Math.max(...ranks)).toBe(4);
  });

  it('leaves nothing behind but its outputs, and nothing after dispose', () => {
    const before = memory().numTensors;
    const own = randomAutoencoderKl({ config: CONFIG, seed: 2 });
    const [latent, image] = [latentOf(), imageOf()];
    const loaded = memory().numTensors;
    const decoded = own.decode(latent);
    expect(memory().numTensors).toBe(loaded + 1);
    const { mean, logVariance } = own.encode(image);
    expect(memory().numTensors).toBe(loaded + 3);
    for (const each of [latent, image, decoded, mean, logVariance]) each.dispose();
    own.dispose();
    expect(memory().numTensors).toBe(before);
    tidy(() => {
      expect(() => own.decode(latentOf())).toThrowError(DisposedError);
    });
  });

  it.each([
    [1, 6, 5, 3],
    [1, 7, 4, 3],
    [1, 6, 4, 4],
    [1, 0, 4, 3],
  ])('refuses to encode [%i, %i, %i, %i]', (...shape) => {
    tidy(() => {
      const call = () => autoencoder.encode(zeros(shape));
      expect(call).toThrowError(ShapeError);
      expect(call).toThrowError(/image has shape.*multiples of 2/);
    });
  });

  it('refuses to decode a latent of other channels', () => {
    tidy(() => {
      expect(() => autoencoder.decode(zeros([1, 2, 2, 3]))).toThrowError(ShapeError);
    });
  });
});

describe('autoencoderKlPreset', () => {
  it('knows the autoencoders of Stable Diffusion and of SDXL by their scaling factors', () => {
    const config = autoencoderKlConfig();
    expect(autoencoderKlPreset('sd-vae-ft-ema')).toEqual({
      config,
      scalingFactor: 0.18215,
      tileSize: 32,
    });
    expect(autoencoderKlPreset('sdxl-vae')).toEqual({
      config,
      scalingFactor: 0.13025,
      tileSize: 128,
    });
    expect(() => autoencoderKlPreset('vae' as 'sdxl-vae')).toThrowError(/sd-vae-ft-mse, sdxl-vae/);
  });
});

describe('autoencoderKlConfig', () => {
  it('is sd-vae-ft-ema by default', () => {
    expect(autoencoderKlConfig()).toMatchObject({
      blockOutChannels: [128, 256, 512, 512],
      layersPerBlock: 2,
      normNumGroups: 32,
      latentChannels: 4,
    });
  });

  it.each([
    ['blockOutChannels', { blockOutChannels: [] }],
    ['blockOutChannels', { blockOutChannels: [32, 48] }],
    ['layersPerBlock', { layersPerBlock: 0 }],
    ['latentChannels', { latentChannels: 1.5 }],
  ])('names %s in %o', (field, fault) => {
    const make = () => autoencoderKlConfig(fault);
    expect(make).toThrowError(InvalidArgumentError);
    expect(make).toThrowError(`config.${field} is`);
  });
});
