import { InvalidArgumentError } from '@harmonica/core';

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
} as const;

/** Those of Stable Diffusion (DiT, SiT, U-ViT, PixArt-alpha) and of SDXL (PixArt-Sigma). */
export type AutoencoderKlName = keyof typeof PRESETS;

/**
 * A published autoencoder by its name.
 *
 * @throws {@link InvalidArgumentError} if it is not known
 */
export function autoencoderKlPreset(name: AutoencoderKlName): AutoencoderKlPreset {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (preset) return { config: autoencoderKlConfig(), ...preset };
  throw new InvalidArgumentError({
    argument: 'name',
    value: name,
    expected: `one of ${Object.keys(PRESETS).join(', ')}`,
  });
}

/** How many image pixels a side of a latent pixel covers. */
export function downsamplingOf({ blockOutChannels }: AutoencoderKlConfig): number {
  return 2 ** (blockOutChannels.length - 1);
}

/** Throws {@link InvalidArgumentError} naming the first field that no AutoencoderKL can have. */
export function assertAutoencoderKlConfig(config: AutoencoderKlConfig): void {
  const { blockOutChannels, normNumGroups } = config;
  const counts = ['imageChannels', 'latentChannels', 'layersPerBlock', 'normNumGroups'] as const;
  for (const field of counts) {
    if (!isCount(config[field])) throw invalid(config, field, 'a positive integer');
  }
  if (blockOutChannels.length === 0 || !blockOutChannels.every(isCount)) {
    throw invalid(config, 'blockOutChannels', 'one positive integer or more');
  }
  if (!blockOutChannels.every((channels) => channels % normNumGroups === 0)) {
    throw invalid(config, 'blockOutChannels', `multiples of normNumGroups ${normNumGroups}`);
  }
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}

function invalid(config: AutoencoderKlConfig, field: keyof AutoencoderKlConfig, expected: string) {
  return new InvalidArgumentError({ argument: `config.${field}`, value: config[field], expected });
}
