import { describe, expect, it } from 'vitest';
import { PUBLISHED_NAMES, publishedArchitecture } from './registry.js';

describe('publishedArchitecture', () => {
  it.each([
    ['DiT-XL/2', 'DiT-XL/2', 32],
    ['dit-xl-2-256', 'DiT-XL/2', 32],
    ['dit-xl-2-512', 'DiT-XL/2', 64],
    ['sit-xl-2', 'SiT-XL/2', 32],
    ['PixArt-XL-2-1024-MS', 'PixArt-XL-2-1024-MS', 128],
    ['pixart-alpha-256', 'PixArt-XL-2-256x256', 32],
    ['pixart-sigma-2k', 'PixArt-Sigma-XL-2-2K-MS', 256],
    ['uvit-h-2', 'U-ViT-H/2', 32],
    ['imagenet512_uvit_large', 'U-ViT-L/4', 64],
    ['imagenet64_uvit_large', 'U-ViT-L/4', 64],
  ])('knows %s', (name, full, height) => {
    const { spec } = publishedArchitecture(name) ?? {};
    expect([spec?.name, spec?.latent.height]).toEqual([full, height]);
  });

  it('knows nothing of other names, nor of one that two models have', () => {
    for (const name of ['dit-m-2', 'uvit-l-4', 'emoji-dit', '']) {
      expect(publishedArchitecture(name), name).toBeUndefined();
    }
  });

  it('makes every model under the name of its authors', () => {
    for (const name of PUBLISHED_NAMES) {
      expect(publishedArchitecture(name)?.spec.branches.length, name).toBeGreaterThan(0);
    }
  });
});
