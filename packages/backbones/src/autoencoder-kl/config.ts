import { assertOneOf } from '@harmonica/core';
import {
  assertCounts,
  type ComponentJson,
  configError,
  count,
  counts,
  flag,
  invalidField,
  isCount,
  orNull,
  positive,
  readComponent,
} from '../weights/config.js';

/** Everything that shapes an AutoencoderKL (Rombach et al., 2022). Plain JSON; most names are diffusers'. */
export interface AutoencoderKlConfig {
  /** Channels of the image, in and out. */
  readonly imageChannels: number;
  readonly latentChannels: number;
  /** Channels of each resolution, finest first; n entries shrink the image by `2^(n - 1)`. */
  readonly blockOutChannels: readonly number[];
  /** Residual blocks of each encoder resolution; the decoder has one more. */
  readonly layersPerBlock: number;
  /** Groups of every group norm; a divisor of all `blockOutChannels`. */
  readonly normNumGroups: number;
  /** Whether the middle of encoder and decoder has an attention. */
  readonly midBlockAddAttention: boolean;
  readonly useQuantConv: boolean;
  readonly usePostQuantConv: boolean;
}

/**
 * A configuration of the Stable Diffusion VAE layout.
 *
 * @param overrides fields that differ from `sd-vae-ft-ema`, whose `imageChannels` is 3, `latentChannels` 4,
 *   `blockOutChannels` 128/256/512/512, `layersPerBlock` 2 and `normNumGroups` 32, with attention and both quant
 *   convolutions
 * @throws {@link InvalidArgumentError}
 */
export function autoencoderKlConfig(
  overrides: Partial<AutoencoderKlConfig> = {},
): AutoencoderKlConfig {
  const config: AutoencoderKlConfig = {
    imageChannels: 3,
    latentChannels: 4,
    blockOutChannels: [128, 256, 512, 512],
    layersPerBlock: 2,
    normNumGroups: 32,
    midBlockAddAttention: true,
    useQuantConv: true,
    usePostQuantConv: true,
    ...overrides,
  };
  assertAutoencoderKlConfig(config);
  return config;
}

/** A published autoencoder. */
export interface AutoencoderKlPreset {
  readonly config: AutoencoderKlConfig;
  /** What a model's latents are: the encoder's times this. Divide by it before decoding. */
  readonly scalingFactor: number;
  /** Latent pixels along a side of the images that it was trained on: the tile to decode larger ones in. */
  readonly tileSize: number;
}

/** What the published autoencoders differ in; their architecture is one. */
const PRESETS = {
  'sd-vae-ft-ema': { scalingFactor: 0.18215, tileSize: 32 },
  'sd-vae-ft-mse': { scalingFactor: 0.18215, tileSize: 32 },
  'sdxl-vae': { scalingFactor: 0.13025, tileSize: 128 },
} satisfies Record<AutoencoderKlName, Omit<AutoencoderKlPreset, 'config'>>;

/** Those of Stable Diffusion (DiT, SiT, U-ViT, PixArt-alpha) and of SDXL (PixArt-Sigma). */
export type AutoencoderKlName = 'sd-vae-ft-ema' | 'sd-vae-ft-mse' | 'sdxl-vae';

/**
 * A published autoencoder by its name.
 *
 * @throws {@link InvalidArgumentError} if it is not known
 */
export function autoencoderKlPreset(name: AutoencoderKlName): AutoencoderKlPreset {
  assertOneOf({ name }, Object.keys(PRESETS));
  return { config: autoencoderKlConfig(), ...PRESETS[name] };
}

/** How many image pixels a side of a latent pixel covers. */
export function downsamplingOf({ blockOutChannels }: AutoencoderKlConfig): number {
  return 2 ** (blockOutChannels.length - 1);
}

/** Throws {@link InvalidArgumentError} naming the first field that no AutoencoderKL can have. */
export function assertAutoencoderKlConfig(config: AutoencoderKlConfig): void {
  const { blockOutChannels, normNumGroups } = config;
  assertCounts(config, ['imageChannels', 'latentChannels', 'layersPerBlock', 'normNumGroups']);
  if (blockOutChannels.length === 0 || !blockOutChannels.every(isCount)) {
    throw invalidField(config, 'blockOutChannels', 'one positive integer or more');
  }
  if (!blockOutChannels.every((channels) => channels % normNumGroups === 0)) {
    throw invalidField(config, 'blockOutChannels', `multiples of normNumGroups ${normNumGroups}`);
  }
}

function rulesOf(json: ComponentJson) {
  const { config, scalingFactor } = autoencoderKlPreset('sd-vae-ft-ema');
  const { block_out_channels: channels = config.blockOutChannels } = json;
  const levels = Array.isArray(channels) ? channels.length : 0;
  return {
    component: 'AutoencoderKL',
    settings: {
      in_channels: count(config.imageChannels),
      out_channels: count(config.imageChannels),
      latent_channels: count(config.latentChannels),
      block_out_channels: counts(config.blockOutChannels),
      layers_per_block: count(config.layersPerBlock),
      norm_num_groups: count(config.normNumGroups),
      mid_block_add_attention: flag(config.midBlockAddAttention),
      use_quant_conv: flag(config.useQuantConv),
      use_post_quant_conv: flag(config.usePostQuantConv),
      scaling_factor: positive(scalingFactor),
      sample_size: orNull(count()),
    },
    fixed: {
      act_fn: ['silu'],
      down_block_types: [Array(levels).fill('DownEncoderBlock2D')],
      up_block_types: [Array(levels).fill('UpDecoderBlock2D')],
      shift_factor: [null, 0],
      latents_mean: [null],
      latents_std: [null],
    },
    ignored: ['force_upcast'],
  };
}

/**
 * An autoencoder from `config.json` of `AutoencoderKL`. What the file leaves out is as in `sd-vae-ft-ema`, whose own file
 * holds no scaling factor.
 *
 * @returns its configuration, scaling factor, and the tile to decode large latents in
 * @throws {@link ConfigError} naming each setting that is malformed or of another architecture
 * @throws {@link InvalidArgumentError} if no AutoencoderKL has these sizes
 */
export function autoencoderKlPresetOf(json: ComponentJson): AutoencoderKlPreset {
  const rules = rulesOf(json);
  const settings = readComponent(json, rules);
  const { in_channels: imageChannels, out_channels: outputs, sample_size: imageSize } = settings;
  if (outputs !== imageChannels) {
    const message = `is ${outputs}; expected in_channels ${imageChannels}`;
    const issues = [{ path: 'out_channels', message }];
    throw configError(json, { component: rules.component, issues });
  }
  const config = autoencoderKlConfig({
    imageChannels,
    latentChannels: settings.latent_channels,
    blockOutChannels: settings.block_out_channels,
    layersPerBlock: settings.layers_per_block,
    normNumGroups: settings.norm_num_groups,
    midBlockAddAttention: settings.mid_block_add_attention,
    useQuantConv: settings.use_quant_conv,
    usePostQuantConv: settings.use_post_quant_conv,
  });
  const { tileSize } = autoencoderKlPreset('sd-vae-ft-ema');
  return {
    config,
    scalingFactor: settings.scaling_factor,
    tileSize: imageSize === null ? tileSize : Math.ceil(imageSize / downsamplingOf(config)),
  };
}
