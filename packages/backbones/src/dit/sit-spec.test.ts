import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { DIT_SIZES, ditConfig, ditSpec } from './dit.js';
import { SIT_SIZES, type SitSize, sitConfig, sitParameters, sitSpec } from './sit.js';

describe('sitConfig', () => {
  it('knows the twelve sizes', () => {
    expect(SIT_SIZES).toEqual(DIT_SIZES.map((size) => size.replace('DiT', 'SiT')));
    expect(sitConfig('SiT-XL/2')).toEqual({ ...ditConfig('DiT-XL/2'), name: 'SiT-XL/2' });
  });

  it('refuses an unknown size, naming those it knows', () => {
    expect(() => sitConfig('SiT-XL/3' as SitSize)).toThrowError(InvalidArgumentError);
    expect(() => sitConfig('DiT-XL/2' as SitSize)).toThrowError(/one of SiT-S\/8, .*SiT-XL\/2/);
  });
});

describe('sitSpec', () => {
  it.each(SIT_SIZES)('is that of a DiT without variance that predicts the velocity: %s', (size) => {
    const dit = ditSpec({ ...ditConfig('DiT-S/2'), ...sitConfig(size), learnSigma: false });
    expect(sitSpec(sitConfig(size))).toEqual({ ...dit, prediction: 'velocity', process: 'sit' });
    expect(sitSpec(sitConfig(size)).outputChannels).toBe(4);
  });
});

describe('sitParameters', () => {
  it('stores the last layer with twice the channels that it loads', () => {
    const last = (learnSigma: boolean) =>
      sitParameters(sitConfig('SiT-S/2', { learnSigma }))
        .slice(-2)
        .map(({ name, stored, shape, rows }) => ({
          name,
          stored: stored[0]?.shapes[0],
          shape,
          rows,
        }));
    const rows = { period: 8, kept: 4 };
    const [weight, bias] = ['final_layer.linear.weight', 'final_layer.linear.bias'];
    expect(last(true)).toEqual([
      { name: weight, stored: [32, 384], shape: [384, 16], rows },
      { name: bias, stored: [32], shape: [16], rows },
    ]);
    expect(last(false)).toEqual([
      { name: weight, stored: [16, 384], shape: [384, 16], rows: undefined },
      { name: bias, stored: [16], shape: [16], rows: undefined },
    ]);
  });
});
