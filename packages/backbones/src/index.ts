export type { AutoencoderKl, LatentDistribution } from './autoencoder-kl/autoencoder-kl.js';
export {
  type AutoencoderKlConfig,
  type AutoencoderKlName,
  type AutoencoderKlPreset,
  autoencoderKlConfig,
  autoencoderKlPreset,
  autoencoderKlPresetOf,
} from './autoencoder-kl/config.js';
export {
  loadAutoencoderKl,
  randomAutoencoderKl,
} from './autoencoder-kl/load-autoencoder-kl.js';
export {
  type TiledDecodeOptions,
  type TiledDecodeProgress,
  tiledDecode,
} from './autoencoder-kl/tiled-decode.js';
export { DIT_SIZES, type DitConfig, type DitSize, ditConfig, ditSpec } from './dit/dit.js';
export { ditConfigOf, loadDit, randomDit } from './dit/dit-family.js';
export {
  loadSit,
  randomSit,
  SIT_SIZES,
  type SitConfig,
  type SitSize,
  sitConfig,
  sitSpec,
} from './dit/sit.js';
export {
  FAMILIES,
  type FamilyConfigs,
  type FamilyModel,
  type FamilyName,
  familyOfDiffusers,
  publishedModel,
} from './families.js';
export type { BackboneFamily, DiffusersFiles, FamilyProcess, PublishedModel } from './family.js';
export { type AttentionOptions, scaledDotProductAttention } from './layers/attention.js';
export { exactGelu, gelu, type LinearOptions, linear, silu } from './layers/linear.js';
export {
  type GroupNormOptions,
  groupNorm,
  type LayerNormOptions,
  layerNorm,
} from './layers/norms.js';
export { type SinCosPositionOptions, sinCosPosition } from './layers/patches.js';
export {
  type ClassLabelsOptions,
  classLabels,
  type ForwardOptions,
  forward,
} from './layers/stream.js';
export {
  type TimestepEmbeddingOptions,
  timestepEmbedding,
  timestepFrequencies,
} from './layers/timestep.js';
export { pixartSpec } from './pixart/pixart.js';
export {
  type KvCompression,
  PIXART_MODELS,
  type PixartConfig,
  type PixartModel,
  pixartConfig,
  pixartConfigOf,
  SIGMA_KV_COMPRESSION,
} from './pixart/pixart-config.js';
export {
  loadPixart,
  randomPixart,
} from './pixart/pixart-family.js';
export {
  type CaptionConditionOptions,
  captionCondition,
  type ReadNullCaptionOptions,
  readNullCaption,
  readPrompts,
  type StoredPrompts,
} from './text/captions.js';
export { cleanPrompt } from './text/clean-prompt.js';
export {
  type CreateT5EncoderOptions,
  createT5Encoder,
  type EncodedPrompts,
  type EncodeOptions,
  type EncodePromptsOptions,
  type EncoderModel,
  encodePrompts,
  type LoadT5EncoderOptions,
  loadT5Encoder,
  type PromptEmbeddings,
  type PromptTokenizer,
  type TextEncoder,
  type TokenizedPrompts,
  type TokenizerOptions,
  type TransformersTensor,
} from './text/t5-encoder.js';
export { uvitSpec } from './uvit/uvit.js';
export { UVIT_MODELS, type UvitConfig, type UvitModel, uvitConfig } from './uvit/uvit-config.js';
export {
  loadUvit,
  randomUvit,
} from './uvit/uvit-family.js';
export type { ComponentJson } from './weights/config.js';
export type {
  LoadModelOptions,
  LoadOptions,
  LoadProgress,
  RandomModelOptions,
} from './weights/load-model.js';
