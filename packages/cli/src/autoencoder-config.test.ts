import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { autoencoderKlConfig } from '@harmonica/backbones';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/temporary-folder.js';
import { readAutoencoderConfig } from './autoencoder-config.js';

describe('readAutoencoderConfig', () => {
  it('takes a file for an autoencoder of Stable Diffusion', async () => {
    expect(await readAutoencoderConfig('/nowhere/vae.safetensors')).toEqual({
      config: autoencoderKlConfig(),
      scalingFactor: 0.18215,
    });
  });

  it('reads what diffusers writes', async () => {
    const folder = await temporaryFolder();
    const stored = {
      _class_name: 'AutoencoderKL',
      block_out_channels: [8, 12],
      latent_channels: 3,
      layers_per_block: 1,
      norm_num_groups: 4,
      scaling_factor: 0.5,
      use_quant_conv: false,
    };
    await writeFile(join(folder, 'config.json'), JSON.stringify(stored));
    const { config, scalingFactor } = await readAutoencoderConfig(folder);
    expect(scalingFactor).toBe(0.5);
    expect(config).toMatchObject({
      blockOutChannels: [8, 12],
      latentChannels: 3,
      layersPerBlock: 1,
      normNumGroups: 4,
      useQuantConv: false,
      usePostQuantConv: true,
    });
    await writeFile(join(folder, 'config.json'), '{"norm_num_groups": "many"}');
    await expect(readAutoencoderConfig(folder)).rejects.toThrow(/norm_num_groups/);
  });
});
