import '@tensorflow/tfjs-backend-cpu';
import { dispose, tidy } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrayOf, expectClose, imageOf, readFixture, sourceOf, toNchw } from '../test/fixture.js';
import type { AutoencoderKl } from './autoencoder-kl/autoencoder-kl.js';
import { autoencoderKlConfig } from './autoencoder-kl/config.js';
import { loadAutoencoderKl } from './autoencoder-kl/load-autoencoder-kl.js';
import { tiledDecode } from './autoencoder-kl/tiled-decode.js';

const CASES = [
  {
    name: 'autoencoder-kl',
    config: autoencoderKlConfig({ blockOutChannels: [8, 8, 16, 24], normNumGroups: 4 }),
  },
  {
    name: 'autoencoder-kl-old-names',
    config: autoencoderKlConfig({
      latentChannels: 3,
      blockOutChannels: [8, 12],
      layersPerBlock: 1,
      normNumGroups: 4,
    }),
  },
  {
    name: 'autoencoder-kl-plain',
    config: autoencoderKlConfig({
      imageChannels: 1,
      latentChannels: 2,
      blockOutChannels: [4, 8],
      layersPerBlock: 1,
      normNumGroups: 2,
      midBlockAddAttention: false,
      useQuantConv: false,
      usePostQuantConv: false,
    }),
  },
];

describe.each(CASES)("diffusers' AutoencoderKL: $name", ({ name, config }) => {
  const run = readFixture(`${name}-run`);
  let autoencoder: AutoencoderKl;

  beforeAll(async () => {
    autoencoder = await loadAutoencoderKl({ config, source: sourceOf(readFixture(name)) });
  });
  afterAll(() => autoencoder.dispose());

  it('encodes to the same distribution', () => {
    tidy(() => {
      const { mean, logVariance } = autoencoder.encode(imageOf(arrayOf(run, 'image')));
      expectClose({ actual: toNchw(mean), expected: arrayOf(run, 'mean') });
      expectClose({ actual: toNchw(logVariance), expected: arrayOf(run, 'logVariance') });
    });
  });

  it('decodes to the same image', () => {
    tidy(() => {
      const image = autoencoder.decode(imageOf(arrayOf(run, 'latent')));
      expectClose({ actual: toNchw(image), expected: arrayOf(run, 'decoded') });
    });
  });
});

it('decodes in tiles to the same image', async () => {
  const [{ config, name }] = CASES as [(typeof CASES)[0]];
  const run = readFixture(`${name}-run`);
  const autoencoder = await loadAutoencoderKl({ config, source: sourceOf(readFixture(name)) });
  const latent = imageOf(arrayOf(run, 'tiled.latent'));
  const image = await tiledDecode({ latent, decode: autoencoder.decode, tileSize: 4 });
  tidy(() => expectClose({ actual: toNchw(image), expected: arrayOf(run, 'tiled.decoded') }));
  dispose([latent, image]);
  autoencoder.dispose();
});

it('the fixtures reach both clips of the log variance', () => {
  const { data } = arrayOf(readFixture('autoencoder-kl-plain-run'), 'logVariance');
  expect([Math.min(...data), Math.max(...data)]).toEqual([-30, 20]);
});
