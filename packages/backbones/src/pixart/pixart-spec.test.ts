import { describe, expect, it } from 'vitest';
import { expectCounted, published, sizeOf } from '../../test/published.js';
import { pixartSpec } from './pixart.js';
import { PIXART_MODELS, pixartConfig, SIGMA_KV_COMPRESSION } from './pixart-config.js';
import { pixartLayouts, pixartParameters } from './pixart-family.js';

const COMPRESSED = pixartConfig('PixArt-Sigma-XL-2-2K-MS', {
  kvCompression: SIGMA_KV_COMPRESSION,
});

describe('pixartSpec', () => {
  it.each(PIXART_MODELS)('costs what the official code does: %s', (model) => {
    expectCounted(pixartSpec(pixartConfig(model)), model);
  });

  it('costs what the official code does with compressed keys and values', () => {
    expectCounted(pixartSpec(COMPRESSED), 'PixArt-Sigma-XL-2-2K-MS with compression');
  });

  it('describes input, output and branches, as plain JSON', () => {
    const spec = pixartSpec(pixartConfig('PixArt-XL-2-1024-MS', { latentHeight: 96 }));
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
    expect(spec).toMatchObject({
      name: 'PixArt-XL-2-1024-MS',
      latent: { height: 96, width: 128, channels: 4 },
      outputChannels: 8,
      prediction: 'epsilon',
      tokens: { count: 48 * 64, width: 1152 },
      condition: [
        { name: 'caption', dtype: 'float32', shape: [120, 4096] },
        { name: 'captionMask', dtype: 'int32', shape: [120] },
        { name: 'resolution', dtype: 'float32', shape: [2] },
        { name: 'aspectRatio', dtype: 'float32', shape: [1] },
      ],
    });
    expect(spec.nullCondition).toBeUndefined();
    expect(spec.branches).toHaveLength(84);
    expect(spec.branches.slice(2, 5)).toEqual([
      { index: 2, block: 0, kind: 'mlp' },
      { index: 3, block: 1, kind: 'attention' },
      { index: 4, block: 1, kind: 'cross-attention' },
    ]);
  });
});

describe('pixartParameters', () => {
  it.each(PIXART_MODELS)('lists as many numbers as the official code: %s', (model) => {
    const parameters = pixartParameters(pixartConfig(model));
    expect(sizeOf(parameters)).toBe(published(model).parameters);
  });

  it('has a name for each in the layout of diffusers, and none twice', () => {
    const [, { parameters }] = pixartLayouts(COMPRESSED);
    const names = parameters.flatMap(({ stored }) => stored.flatMap((tensor) => tensor.names));
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('transformer_blocks.27.attn2.to_v.bias');
  });
});
