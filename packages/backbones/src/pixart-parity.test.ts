import '@tensorflow/tfjs-backend-cpu';
import type { Backbone } from '@harmonica/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFixture, sourceOf } from '../test/fixture.js';
import { expectSameBranches, expectSameOutput, outputBits } from '../test/parity.js';
import { type PixartConfig, pixartConfig } from './pixart/pixart-config.js';
import { loadPixart } from './pixart/pixart-family.js';

const SMALL = { hiddenSize: 24, heads: 2, inputSize: 8 } as const;

const CONFIGS: PixartConfig[] = [
  pixartConfig('PixArt-XL-2-1024-MS', {
    ...SMALL,
    name: 'pixart-alpha',
    depth: 2,
    latentHeight: 6,
    latentWidth: 10,
    captionChannels: 10,
    captionTokens: 5,
  }),
  pixartConfig('PixArt-Sigma-XL-2-256x256', {
    name: 'pixart-sigma',
    depth: 1,
    hiddenSize: 36,
    heads: 3,
    inputSize: 8,
    patchSize: 4,
    inChannels: 3,
    learnSigma: false,
    captionChannels: 8,
    captionTokens: 4,
  }),
  pixartConfig('PixArt-Sigma-XL-2-512-MS', {
    ...SMALL,
    name: 'pixart-kv',
    depth: 2,
    latentWidth: 16,
    captionChannels: 8,
    captionTokens: 3,
    kvCompression: { factor: 2, blocks: [1] },
  }),
];

describe.each(CONFIGS)('the official PixArt: $name', (config) => {
  const run = readFixture(`${config.name}-run`);
  let backbone: Backbone;
  beforeAll(async () => {
    backbone = await loadPixart({ config, source: sourceOf(readFixture(config.name)) });
  });
  afterAll(() => backbone.dispose());

  it('gives the same output', () => expectSameOutput(backbone, run));
  it('gives the same output of every branch before its gate', () =>
    expectSameBranches(backbone, run));
});

// diffusers has no compressed keys and values.
const IN_DIFFUSERS = CONFIGS.filter(({ kvCompression }) => !kvCompression);

it.each(IN_DIFFUSERS)("$name gives the same bits from diffusers' layout", async (config) => {
  const run = readFixture(`${config.name}-run`);
  const [official, diffusers] = await Promise.all(
    [config.name, `${config.name}-diffusers`].map(async (file) => {
      const backbone = await loadPixart({ config, source: sourceOf(readFixture(file)) });
      const bits = outputBits(backbone, run);
      backbone.dispose();
      return bits;
    }),
  );
  expect(diffusers).toEqual(official);
});
