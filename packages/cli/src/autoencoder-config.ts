import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AutoencoderKlConfig, autoencoderKlConfig } from '@harmonica/backbones';
import { parseJson } from '@harmonica/core';
import { z } from 'zod';

/** Scaling factor of Stable Diffusion's autoencoders, `sd-vae-ft-ema` among them. */
const STABLE_DIFFUSION_SCALE = 0.18215;

/** An autoencoder's shape, and what its latents are multiplied by. */
export interface AutoencoderSettings {
  readonly config: AutoencoderKlConfig;
  readonly scalingFactor: number;
}

/**
 * Reads `config.json` in the folder of an autoencoder, as diffusers writes it. A folder without one, or a file, is taken
 * for an autoencoder of Stable Diffusion.
 *
 * @throws {@link ConfigError} if it is malformed
 */
export async function readAutoencoderConfig(path: string): Promise<AutoencoderSettings> {
  const source = join(path, 'config.json');
  const text = await readFile(source, 'utf8').catch(() => '{}');
  const stored = parseJson({ source, text, schema: schema() });
  return {
    scalingFactor: stored.scaling_factor,
    config: autoencoderKlConfig({
      imageChannels: stored.out_channels,
      latentChannels: stored.latent_channels,
      blockOutChannels: stored.block_out_channels,
      layersPerBlock: stored.layers_per_block,
      normNumGroups: stored.norm_num_groups,
      midBlockAddAttention: stored.mid_block_add_attention,
      useQuantConv: stored.use_quant_conv,
      usePostQuantConv: stored.use_post_quant_conv,
    }),
  };
}

function schema() {
  const count = (fallback: number) => z.number().int().positive().default(fallback);
  return z.object({
    scaling_factor: z.number().positive().default(STABLE_DIFFUSION_SCALE),
    out_channels: count(3),
    latent_channels: count(4),
    block_out_channels: z.array(z.number().int().positive()).min(1).default([128, 256, 512, 512]),
    layers_per_block: count(2),
    norm_num_groups: count(32),
    mid_block_add_attention: z.boolean().default(true),
    use_quant_conv: z.boolean().default(true),
    use_post_quant_conv: z.boolean().default(true),
  }) as unknown as z.ZodType<Stored>;
}

interface Stored {
  readonly scaling_factor: number;
  readonly out_channels: number;
  readonly latent_channels: number;
  readonly block_out_channels: readonly number[];
  readonly layers_per_block: number;
  readonly norm_num_groups: number;
  readonly mid_block_add_attention: boolean;
  readonly use_quant_conv: boolean;
  readonly use_post_quant_conv: boolean;
}
