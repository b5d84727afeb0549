export { type AttentionOptions, scaledDotProductAttention } from './attention.js';
export type { AutoencoderKl, LatentDistribution } from './autoencoder-kl.js';
export { type AutoencoderKlConfig, autoencoderKlConfig } from './autoencoder-kl-config.js';
export { type ClassLabelsOptions, classLabels } from './class-labels.js';
export { DIT_SIZES, type DitConfig, type DitSize, ditConfig } from './dit-config.js';
export { ditSpec } from './dit-spec.js';
export { type ForwardOptions, forward } from './forward.js';
export { gelu } from './gelu.js';
export { type GroupNormOptions, groupNorm } from './group-norm.js';
export { layerNorm } from './layer-norm.js';
export { type LinearOptions, linear } from './linear.js';
export { type LoadAutoencoderKlOptions, loadAutoencoderKl } from './load-autoencoder-kl.js';
export { type LoadDitOptions, loadDit } from './load-dit.js';
export type { LoadOptions, LoadProgress } from './load-weights.js';
export { type RandomAutoencoderKlOptions, randomAutoencoderKl } from './random-autoencoder-kl.js';
export { type RandomDitOptions, randomDit } from './random-dit.js';
export { silu } from './silu.js';
export { type SinCosPositionOptions, sinCosPosition } from './sin-cos-position.js';
export {
  type TimestepEmbeddingOptions,
  timestepEmbedding,
  timestepFrequencies,
} from './timestep-embedding.js';
