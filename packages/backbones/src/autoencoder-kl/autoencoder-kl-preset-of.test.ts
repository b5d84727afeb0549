import { describe, expect, it } from 'vitest';
import { SD_VAE_FT_EMA, SDXL_VAE } from '../../test/published-configs.js';
import { autoencoderKlConfig, autoencoderKlPreset, autoencoderKlPresetOf } from './config.js';

describe('autoencoderKlPresetOf', () => {
  it('reads the published autoencoders', () => {
    expect(autoencoderKlPresetOf(SD_VAE_FT_EMA)).toEqual(autoencoderKlPreset('sd-vae-ft-ema'));
    expect(autoencoderKlPresetOf(SDXL_VAE)).toEqual(autoencoderKlPreset('sdxl-vae'));
    expect(autoencoderKlPresetOf({})).toEqual(autoencoderKlPreset('sd-vae-ft-ema'));
  });

  it('reads another one', () => {
    const preset = autoencoderKlPresetOf({
      block_out_channels: [8, 16],
      norm_num_groups: 4,
      latent_channels: 16,
      use_quant_conv: false,
      sample_size: 100,
      scaling_factor: 0.5,
    });
    expect(preset).toEqual({
      config: autoencoderKlConfig({
        blockOutChannels: [8, 16],
        normNumGroups: 4,
        latentChannels: 16,
        useQuantConv: false,
      }),
      scalingFactor: 0.5,
      tileSize: 50,
    });
  });

  it.each([
    [{ act_fn: 'relu' }, /act_fn: is "relu"; only "silu"/],
    [{ shift_factor: 0.1159 }, /shift_factor: is 0.1159; only null or 0/],
    [{ latents_mean: [0.1] }, /latents_mean: is \[0.1\]; only null/],
    [{ down_block_types: ['AttnDownEncoderBlock2D'] }, /down_block_types: is .* only \["DownEnc/],
    [{ up_block_types: ['UpDecoderBlock2D'] }, /up_block_types: is /],
    [{ in_channels: 1 }, /out_channels: is 3; expected in_channels 1/],
    [{ block_out_channels: [] }, /block_out_channels: is \[\]; expected one positive integer/],
    [{ block_out_channels: [30] }, /multiples of normNumGroups 32/],
  ])('refuses %j', (json, message) => {
    expect(() => autoencoderKlPresetOf(json)).toThrow(message);
  });
});
