import { describe, expect, it } from 'vitest';
import { FAMILIES, familyOfDiffusers, publishedModel } from './families.js';

describe('publishedModel', () => {
  it.each([
    ['DiT-XL/2', 'dit', { name: 'DiT-XL/2', inputSize: 32 }],
    ['dit-b-4-512', 'dit', { name: 'DiT-B/4', inputSize: 64 }],
    ['sit-xl-2-512', 'sit', { name: 'SiT-XL/2', inputSize: 64, learnSigma: false }],
    ['pixart-alpha-1024', 'pixart', { name: 'PixArt-XL-2-1024-MS' }],
    ['pixart-sigma-2k', 'pixart', { name: 'PixArt-Sigma-XL-2-2K-MS' }],
    ['imagenet256_uvit_huge', 'uvit', { name: 'U-ViT-H/2' }],
    ['uvit-h-2', 'uvit', { name: 'U-ViT-H/2' }],
  ])('finds %s', (name, family, config) => {
    expect(publishedModel(name)).toMatchObject({ family, config });
  });

  it('finds every model by the name that its authors gave it, and nothing else', () => {
    for (const [family, { models }] of Object.entries(FAMILIES)) {
      for (const model of models) expect(publishedModel(model)?.family).toBe(family);
    }
    expect(publishedModel('uvit-s-2')).toBeUndefined();
  });

  it('has no short name twice', () => {
    const names = Object.values(FAMILIES).flatMap(({ published }) =>
      published.map(({ name }) => name),
    );
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('familyOfDiffusers', () => {
  it('refuses what is of no family, as a DiT', () => {
    const files = { config: { _class_name: 'FluxTransformer2DModel' }, index: {} };
    expect(() => familyOfDiffusers(files)).toThrow(/FluxTransformer2DModel/);
  });
});

describe('a family', () => {
  it.each(Object.entries(FAMILIES))('%s completes and resizes a configuration', (_, family) => {
    const { custom, resized, spec } = family as (typeof FAMILIES)['dit'];
    const config = custom({ name: 'small', depth: 2, hiddenSize: 24, heads: 2 });
    const latent = { height: 16, width: 16, channels: 4 };
    expect(spec(resized(config, latent)).latent).toEqual(latent);
  });
});
