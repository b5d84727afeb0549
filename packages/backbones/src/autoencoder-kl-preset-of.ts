import {
  type AutoencoderKlPreset,
  autoencoderKlConfig,
  autoencoderKlPreset,
  downsamplingOf,
} from './autoencoder-kl-config.js';
import {
  type ComponentJson,
  type ComponentRules,
  configError,
  count,
  counts,
  flag,
  orNull,
  positive,
  readComponent,
} from './component-config.js';

interface AutoencoderSettings {
  readonly in_channels: number;
  readonly out_channels: number;
  readonly latent_channels: number;
  readonly block_out_channels: readonly number[];
  readonly layers_per_block: number;
  readonly norm_num_groups: number;
  readonly mid_block_add_attention: boolean;
  readonly use_quant_conv: boolean;
  readonly use_post_quant_conv: boolean;
  readonly scaling_factor: number;
  readonly sample_size: number | null;
}

function rulesOf(json: ComponentJson): ComponentRules<AutoencoderSettings> {
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
