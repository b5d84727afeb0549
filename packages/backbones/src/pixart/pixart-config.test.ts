import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import {
  assertPixartConfig,
  compressionOf,
  type PixartConfig,
  type PixartModel,
  pixartConfig,
  SIGMA_KV_COMPRESSION,
} from './pixart-config.js';

describe('pixartConfig', () => {
  it('gives PixArt-alpha at 1024 x 1024', () => {
    expect(pixartConfig('PixArt-XL-2-1024-MS')).toEqual({
      name: 'PixArt-XL-2-1024-MS',
      depth: 28,
      hiddenSize: 1152,
      heads: 16,
      patchSize: 2,
      mlpRatio: 4,
      inputSize: 128,
      latentHeight: 128,
      latentWidth: 128,
      inChannels: 4,
      learnSigma: true,
      captionChannels: 4096,
      captionTokens: 120,
      positionScale: 2,
      microConditions: true,
      kvCompression: null,
    });
  });

  it('gives PixArt-Sigma with longer captions, finer positions and no micro-conditions', () => {
    const scales = (['256x256', '512-MS', '1024-MS', '2K-MS'] as const).map((size) => {
      const config = pixartConfig(`PixArt-Sigma-XL-2-${size}`);
      expect(config).toMatchObject({ captionTokens: 300, microConditions: false });
      return [config.inputSize, config.positionScale];
    });
    expect(scales).toEqual([
      [32, 0.5],
      [64, 1],
      [128, 2],
      [256, 4],
    ]);
  });

  it('takes another input size for the latent too, if nothing else is said', () => {
    const overrides = { inputSize: 16, latentWidth: 8 };
    const config = pixartConfig('PixArt-XL-2-256x256', overrides);
    expect(config).toMatchObject({ inputSize: 16, latentHeight: 16, latentWidth: 8 });
  });

  it('compresses the second half of the blocks if told to', () => {
    const kvCompression = SIGMA_KV_COMPRESSION;
    const config = pixartConfig('PixArt-Sigma-XL-2-1024-MS', { kvCompression });
    const factors = Array.from({ length: 28 }, (_, block) => compressionOf(config, block));
    expect(factors).toEqual([...Array(14).fill(1), ...Array(14).fill(2)]);
  });

  it('refuses an unknown model, naming those it knows', () => {
    expect(() => pixartConfig('PixArt' as PixartModel)).toThrowError(/one of PixArt-XL-2-256x256,/);
  });
});

describe('assertPixartConfig', () => {
  it.each([
    ['depth', { depth: 0 }],
    ['heads', { heads: 5 }],
    ['hiddenSize', { hiddenSize: 16, heads: 2 }],
    ['latentWidth', { latentWidth: 31 }],
    ['captionTokens', { captionTokens: 1.5 }],
    ['mlpRatio', { mlpRatio: Number.NaN }],
    ['positionScale', { positionScale: 0 }],
    ['kvCompression', { kvCompression: { factor: 3, blocks: [0] } }],
    ['kvCompression', { kvCompression: { factor: 2, blocks: [28] } }],
  ] satisfies [string, Partial<PixartConfig>][])('names %s in %o', (field, fault) => {
    const check = () => assertPixartConfig({ ...pixartConfig('PixArt-XL-2-1024-MS'), ...fault });
    expect(check).toThrowError(InvalidArgumentError);
    expect(check).toThrowError(`config.${field} is`);
  });
});
