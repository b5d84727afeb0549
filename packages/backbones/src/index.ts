export { type AttentionOptions, scaledDotProductAttention } from './attention.js';
export type { AutoencoderKl, LatentDistribution } from './autoencoder-kl.js';
export {
  type AutoencoderKlConfig,
  type AutoencoderKlName,
  type AutoencoderKlPreset,
  autoencoderKlConfig,
  autoencoderKlPreset,
} from './autoencoder-kl-config.js';
export { autoencoderKlPresetOf } from './autoencoder-kl-preset-of.js';
export { type CaptionConditionOptions, captionCondition } from './caption-condition.js';
export { type ClassLabelsOptions, classLabels } from './class-labels.js';
export { cleanPrompt } from './clean-prompt.js';
export type { ComponentJson } from './component-config.js';
export { DIT_SIZES, type DitConfig, type DitSize, ditConfig } from './dit-config.js';
export { ditConfigOf, sitConfigOf } from './dit-config-of.js';
export { ditSpec } from './dit-spec.js';
export { type EncodedPrompts, type EncodePromptsOptions, encodePrompts } from './encode-prompts.js';
export { type ForwardOptions, forward } from './forward.js';
export { exactGelu, gelu } from './gelu.js';
export { type GroupNormOptions, groupNorm } from './group-norm.js';
export { type LayerNormOptions, layerNorm } from './layer-norm.js';
export { type LinearOptions, linear } from './linear.js';
export { type LoadAutoencoderKlOptions, loadAutoencoderKl } from './load-autoencoder-kl.js';
export { type LoadDitOptions, loadDit } from './load-dit.js';
export { type LoadPixartOptions, loadPixart } from './load-pixart.js';
export { type LoadSitOptions, loadSit } from './load-sit.js';
export { type LoadUvitOptions, loadUvit } from './load-uvit.js';
export type { LoadOptions, LoadProgress } from './load-weights.js';
export { type ReadNullCaptionOptions, readNullCaption } from './null-caption.js';
export {
  type KvCompression,
  PIXART_MODELS,
  type PixartConfig,
  type PixartModel,
  pixartConfig,
  SIGMA_KV_COMPRESSION,
} from './pixart-config.js';
export { pixartConfigOf } from './pixart-config-of.js';
export { pixartSpec } from './pixart-spec.js';
export { readPrompts, type StoredPrompts } from './prompt-files.js';
export { type RandomAutoencoderKlOptions, randomAutoencoderKl } from './random-autoencoder-kl.js';
export { type RandomDitOptions, randomDit } from './random-dit.js';
export { type RandomPixartOptions, randomPixart } from './random-pixart.js';
export { type RandomSitOptions, randomSit } from './random-sit.js';
export { type RandomUvitOptions, randomUvit } from './random-uvit.js';
export { silu } from './silu.js';
export { type SinCosPositionOptions, sinCosPosition } from './sin-cos-position.js';
export { SIT_SIZES, type SitConfig, type SitSize, sitConfig } from './sit-config.js';
export { sitSpec } from './sit-spec.js';
export {
  type CreateT5EncoderOptions,
  createT5Encoder,
  type EncoderModel,
  type LoadT5EncoderOptions,
  loadT5Encoder,
  type PromptTokenizer,
  type TokenizedPrompts,
  type TokenizerOptions,
  type TransformersTensor,
} from './t5-encoder.js';
export type { EncodeOptions, PromptEmbeddings, TextEncoder } from './text-encoder.js';
export { type TiledDecodeOptions, type TiledDecodeProgress, tiledDecode } from './tiled-decode.js';
export {
  type TimestepEmbeddingOptions,
  timestepEmbedding,
  timestepFrequencies,
} from './timestep-embedding.js';
export { UVIT_MODELS, type UvitConfig, type UvitModel, uvitConfig } from './uvit-config.js';
export { uvitSpec } from './uvit-spec.js';
