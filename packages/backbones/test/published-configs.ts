// Settings of the `config.json` files of published models, written down by hand.

/** `transformer/config.json` of facebook/DiT-XL-2-256. */
export const DIT_XL_2_256 = {
  _class_name: 'Transformer2DModel',
  _diffusers_version: '0.12.0.dev0',
  activation_fn: 'gelu-approximate',
  attention_bias: true,
  attention_head_dim: 72,
  cross_attention_dim: null,
  dropout: 0.0,
  in_channels: 4,
  norm_elementwise_affine: false,
  norm_num_groups: 32,
  norm_type: 'ada_norm_zero',
  num_attention_heads: 16,
  num_embeds_ada_norm: 1000,
  num_layers: 28,
  num_vector_embeds: null,
  only_cross_attention: false,
  out_channels: 8,
  patch_size: 2,
  sample_size: 32,
  upcast_attention: false,
  use_linear_projection: false,
};

/** `transformer/config.json` of facebook/DiT-XL-2-512. */
export const DIT_XL_2_512 = { ...DIT_XL_2_256, sample_size: 64 };

/** `transformer/config.json` of PixArt-alpha/PixArt-XL-2-1024-MS. */
export const PIXART_ALPHA_1024 = {
  _class_name: 'Transformer2DModel',
  _diffusers_version: '0.22.0.dev0',
  activation_fn: 'gelu-approximate',
  attention_bias: true,
  attention_head_dim: 72,
  attention_type: 'default',
  caption_channels: 4096,
  cross_attention_dim: 1152,
  double_self_attention: false,
  dropout: 0.0,
  in_channels: 4,
  norm_elementwise_affine: false,
  norm_eps: 1e-6,
  norm_num_groups: 32,
  norm_type: 'ada_norm_single',
  num_attention_heads: 16,
  num_embeds_ada_norm: 1000,
  num_layers: 28,
  num_vector_embeds: null,
  only_cross_attention: false,
  out_channels: 8,
  patch_size: 2,
  sample_size: 128,
  upcast_attention: false,
  use_linear_projection: false,
};

/** `transformer/config.json` of PixArt-alpha/PixArt-XL-2-512x512. */
export const PIXART_ALPHA_512 = { ...PIXART_ALPHA_1024, sample_size: 64 };

/** `transformer/config.json` of PixArt-alpha/PixArt-XL-2-256x256. */
export const PIXART_ALPHA_256 = { ...PIXART_ALPHA_1024, sample_size: 32 };

/** `transformer/config.json` of PixArt-alpha/PixArt-Sigma-XL-2-1024-MS. */
export const PIXART_SIGMA_1024 = {
  ...PIXART_ALPHA_1024,
  _diffusers_version: '0.28.0.dev0',
  interpolation_scale: 2,
  use_additional_conditions: false,
};

/** `transformer/config.json` of PixArt-alpha/PixArt-Sigma-XL-2-512-MS. */
export const PIXART_SIGMA_512 = { ...PIXART_SIGMA_1024, interpolation_scale: 1, sample_size: 64 };

/** `transformer/config.json` of PixArt-alpha/PixArt-Sigma-XL-2-256x256. */
export const PIXART_SIGMA_256 = { ...PIXART_SIGMA_1024, interpolation_scale: 0.5, sample_size: 32 };

/** `transformer/config.json` of PixArt-alpha/PixArt-Sigma-XL-2-2K-MS. */
export const PIXART_SIGMA_2K = { ...PIXART_SIGMA_1024, interpolation_scale: 4, sample_size: 256 };

/** `config.json` of stabilityai/sd-vae-ft-ema. */
export const SD_VAE_FT_EMA = {
  _class_name: 'AutoencoderKL',
  _diffusers_version: '0.4.2',
  act_fn: 'silu',
  block_out_channels: [128, 256, 512, 512],
  down_block_types: Array(4).fill('DownEncoderBlock2D'),
  in_channels: 3,
  latent_channels: 4,
  layers_per_block: 2,
  norm_num_groups: 32,
  out_channels: 3,
  sample_size: 256,
  up_block_types: Array(4).fill('UpDecoderBlock2D'),
};

/** `config.json` of stabilityai/sdxl-vae. */
export const SDXL_VAE = {
  ...SD_VAE_FT_EMA,
  _diffusers_version: '0.20.0.dev0',
  force_upcast: true,
  sample_size: 1024,
  scaling_factor: 0.13025,
};
