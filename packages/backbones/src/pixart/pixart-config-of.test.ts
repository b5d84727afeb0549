import { describe, expect, it } from 'vitest';
import {
  DIT_XL_2_256,
  PIXART_ALPHA_256,
  PIXART_ALPHA_512,
  PIXART_ALPHA_1024,
  PIXART_SIGMA_2K,
  PIXART_SIGMA_256,
  PIXART_SIGMA_512,
  PIXART_SIGMA_1024,
} from '../../test/published-configs.js';
import { pixartConfig, pixartConfigOf } from './pixart-config.js';

describe('pixartConfigOf', () => {
  it.each([
    ['PixArt-XL-2-256x256', PIXART_ALPHA_256],
    ['PixArt-XL-2-512x512', PIXART_ALPHA_512],
    ['PixArt-XL-2-1024-MS', PIXART_ALPHA_1024],
  ] as const)('reads %s', (name, json) => {
    expect(pixartConfigOf(json)).toEqual(pixartConfig(name));
  });

  it.each([
    ['PixArt-Sigma-XL-2-256x256', PIXART_SIGMA_256],
    ['PixArt-Sigma-XL-2-512-MS', PIXART_SIGMA_512],
    ['PixArt-Sigma-XL-2-1024-MS', PIXART_SIGMA_1024],
    ['PixArt-Sigma-XL-2-2K-MS', PIXART_SIGMA_2K],
  ] as const)('reads %s', (name, json) => {
    expect(pixartConfigOf(json, { captionTokens: 300 })).toEqual(pixartConfig(name));
  });

  it('reads any size, and takes overrides', () => {
    const json = { ...PIXART_SIGMA_256, num_layers: 2, caption_channels: 32 };
    expect(pixartConfigOf(json, { latentWidth: 64 })).toMatchObject({
      name: 'PixArt',
      depth: 2,
      captionChannels: 32,
      captionTokens: 120,
      latentHeight: 32,
      latentWidth: 64,
    });
  });

  it.each([
    ['norm_type', 'ada_norm_zero', /norm_type: is "ada_norm_zero"; only "ada_norm_single"/],
    ['attention_type', 'gated', /attention_type: is "gated"; only "default"/],
    ['norm_eps', 1e-5, /norm_eps: is 0.00001; only 0.000001/],
    [
      'cross_attention_dim',
      768,
      /cross_attention_dim: is 768; expected the width of a token, 1152/,
    ],
    ['caption_channels', null, /caption_channels: is null; expected a positive integer/],
  ])('refuses %s %j', (key, value, message) => {
    expect(() => pixartConfigOf({ ...PIXART_SIGMA_256, [key]: value })).toThrow(message);
  });

  it('refuses a DiT', () => {
    expect(() => pixartConfigOf(DIT_XL_2_256)).toThrow(/caption_channels: is missing/);
  });
});
