import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { assertDitConfig, DIT_SIZES, type DitConfig, type DitSize, ditConfig } from './dit.js';

describe('ditConfig', () => {
  it('knows the twelve published sizes', () => {
    expect(DIT_SIZES).toEqual(
      ['S', 'B', 'L', 'XL'].flatMap((family) => [8, 4, 2].map((patch) => `DiT-${family}/${patch}`)),
    );
  });

  it('gives the ImageNet 256 x 256 model of a size', () => {
    expect(ditConfig('DiT-XL/2')).toEqual({
      name: 'DiT-XL/2',
      depth: 28,
      hiddenSize: 1152,
      heads: 16,
      patchSize: 2,
      mlpRatio: 4,
      inputSize: 32,
      inChannels: 4,
      numClasses: 1000,
      learnSigma: true,
    });
  });

  it('takes overrides', () => {
    const config = ditConfig('DiT-S/8', { inputSize: 64, numClasses: 10, learnSigma: false });
    expect(config).toMatchObject({ depth: 12, inputSize: 64, numClasses: 10, learnSigma: false });
  });

  it('refuses an unknown size, naming those it knows', () => {
    expect(() => ditConfig('DiT-XL/3' as DitSize)).toThrowError(/one of DiT-S\/8, .*DiT-XL\/2/);
  });
});

describe('assertDitConfig', () => {
  it.each([
    ['depth', { depth: 0 }],
    ['heads', { heads: 5 }],
    ['hiddenSize', { hiddenSize: 390, heads: 6 }],
    ['inputSize', { inputSize: 31 }],
    ['inChannels', { inChannels: 1.5 }],
    ['numClasses', { numClasses: -1 }],
    ['mlpRatio', { mlpRatio: Number.NaN }],
    ['mlpRatio', { mlpRatio: 0 }],
  ] satisfies [string, Partial<DitConfig>][])('names %s in %o', (field, fault) => {
    const check = () => assertDitConfig({ ...ditConfig('DiT-S/2'), ...fault });
    expect(check).toThrowError(InvalidArgumentError);
    expect(check).toThrowError(`config.${field} is`);
  });
});
