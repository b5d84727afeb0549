import { assertOneOf } from '@harmonica/core';
import {
  assertTransformerShape,
  TRANSFORMER_COUNTS,
  TRANSFORMER_FIXED,
  TRANSFORMER_IGNORED,
  TRANSFORMER_SETTINGS,
  type TransformerConfig,
  transformerFields,
  transformerSizes,
} from '../transformer-config.js';
import {
  assertCounts,
  type ComponentJson,
  configError,
  count,
  flag,
  invalidField,
  orNull,
  positive,
  readComponent,
} from '../weights/config.js';

/** How the self-attention of some blocks merges neighbouring keys and values (Chen et al., 2024, Sec. 3.3). */
export interface KvCompression {
  /** Side of the square of tokens that become one; a divisor of both sides of the grid. */
  readonly factor: number;
  /** The blocks that do so. */
  readonly blocks: readonly number[];
}

/**
 * Everything that shapes a PixArt-alpha (Chen et al., 2023) or PixArt-Sigma (Chen et al., 2024). Plain JSON. Its width is a
 * multiple of 4, with micro-conditions of 12, and positions are counted in a square of `inputSize`.
 */
export interface PixartConfig extends TransformerConfig {
  /** Height of the latent, a multiple of `patchSize`; `inputSize` but for other aspect ratios. */
  readonly latentHeight: number;
  /** Width of the latent, a multiple of `patchSize`; `inputSize` but for other aspect ratios. */
  readonly latentWidth: number;
  /** Whether the output has a second half of channels for the variance. */
  readonly learnSigma: boolean;
  /** Width of a caption's embedding, 4096 for T5-XXL. */
  readonly captionChannels: number;
  /** Tokens of a caption, padding included. */
  readonly captionTokens: number;
  /** What token positions are divided by. */
  readonly positionScale: number;
  /** Whether the image's size in pixels and its aspect ratio are inputs. */
  readonly microConditions: boolean;
  readonly kvCompression: KvCompression | null;
}

const ALPHA = { captionTokens: 120, positionScale: 1, microConditions: false } as const;
const SIGMA = { captionTokens: 300, microConditions: false } as const;

/** What the published models differ in. */
const MODELS = {
  'PixArt-XL-2-256x256': { ...ALPHA, inputSize: 32 },
  'PixArt-XL-2-512x512': { ...ALPHA, inputSize: 64 },
  'PixArt-XL-2-1024-MS': { ...ALPHA, inputSize: 128, positionScale: 2, microConditions: true },
  'PixArt-Sigma-XL-2-256x256': { ...SIGMA, inputSize: 32, positionScale: 0.5 },
  'PixArt-Sigma-XL-2-512-MS': { ...SIGMA, inputSize: 64, positionScale: 1 },
  'PixArt-Sigma-XL-2-1024-MS': { ...SIGMA, inputSize: 128, positionScale: 2 },
  'PixArt-Sigma-XL-2-2K-MS': { ...SIGMA, inputSize: 256, positionScale: 4 },
} as const;

/** The published models: PixArt-alpha, then PixArt-Sigma, each by resolution. */
export const PIXART_MODELS = Object.keys(MODELS) as readonly (keyof typeof MODELS)[];

/** A published model. */
export type PixartModel = (typeof PIXART_MODELS)[number];

/** Keys and values compressed by 2 in the second half of the 28 blocks, as PixArt-Sigma was trained with for 1024 and 2K. */
export const SIGMA_KV_COMPRESSION: KvCompression = {
  factor: 2,
  blocks: Array.from({ length: 14 }, (_, i) => 14 + i),
};

/**
 * The configuration of a published model.
 *
 * @param overrides fields that differ. Another aspect ratio has its `latentHeight` and `latentWidth`; a model trained
 *   with compressed keys and values has its `kvCompression`, such as {@link SIGMA_KV_COMPRESSION}
 * @throws {@link InvalidArgumentError}
 */
export function pixartConfig(
  model: PixartModel,
  overrides: Partial<PixartConfig> = {},
): PixartConfig {
  const fix = 'For another architecture write a PixartConfig out in full.';
  assertOneOf({ model }, PIXART_MODELS, fix);
  const { inputSize } = { ...MODELS[model], ...overrides };
  const config: PixartConfig = {
    name: model,
    depth: 28,
    hiddenSize: 1152,
    heads: 16,
    patchSize: 2,
    mlpRatio: 4,
    latentHeight: inputSize,
    latentWidth: inputSize,
    inChannels: 4,
    learnSigma: true,
    captionChannels: 4096,
    kvCompression: null,
    ...MODELS[model],
    ...overrides,
  };
  assertPixartConfig(config);
  return config;
}

/** By how much a block compresses its keys and values along each side; 1 is not at all. */
export function compressionOf({ kvCompression }: PixartConfig, block: number): number {
  return kvCompression?.blocks.includes(block) ? kvCompression.factor : 1;
}

/** Throws {@link InvalidArgumentError} naming the first field that no PixArt can have. */
export function assertPixartConfig(config: PixartConfig): void {
  const sides = ['latentHeight', 'latentWidth'] as const;
  assertCounts(config, [...TRANSFORMER_COUNTS, ...sides, 'captionChannels', 'captionTokens']);
  const { hiddenSize, positionScale, microConditions } = config;
  const step = microConditions ? 12 : 4;
  if (hiddenSize % step !== 0) throw invalidField(config, 'hiddenSize', `a multiple of ${step}`);
  assertTransformerShape(config, ['inputSize', ...sides]);
  if (!(positionScale > 0 && Number.isFinite(positionScale))) {
    throw invalidField(config, 'positionScale', 'a positive number');
  }
  assertKvCompression(config);
}

function assertKvCompression(config: PixartConfig): void {
  const { kvCompression, depth } = config;
  if (!kvCompression) return;
  const { factor, blocks } = kvCompression;
  const { rows, columns } = transformerSizes(config);
  const divides =
    Number.isInteger(factor) && factor > 1 && [rows, columns].every((n) => n % factor === 0);
  if (!divides) {
    const expected = `a factor of 2 or more that divides the ${rows} x ${columns} grid of tokens`;
    throw invalidField(config, 'kvCompression', expected);
  }
  if (!blocks.every((block) => Number.isInteger(block) && block >= 0 && block < depth)) {
    throw invalidField(config, 'kvCompression', `blocks in [0, ${depth - 1}]`);
  }
}

const RULES = {
  component: 'PixArtTransformer2DModel',
  settings: {
    ...TRANSFORMER_SETTINGS,
    cross_attention_dim: count(),
    caption_channels: count(),
    interpolation_scale: orNull(positive()),
    use_additional_conditions: orNull(flag()),
  },
  fixed: { ...TRANSFORMER_FIXED, norm_type: ['ada_norm_single'], norm_eps: [1e-6] },
  ignored: [...TRANSFORMER_IGNORED, 'num_embeds_ada_norm'],
};

/**
 * The configuration of a PixArt from `config.json` of `PixArtTransformer2DModel`, or of the `Transformer2DModel` that
 * PixArt-alpha was stored as. Where the file leaves it open, positions are scaled by the latent's size and a latent of 128
 * has the image's size as a condition, as in diffusers. A published model goes by its name, any other by `PixArt`.
 *
 * @param overrides fields that differ; above all `captionTokens`, which the file does not hold: 120, as for PixArt-alpha,
 *   unless said otherwise, and 300 for PixArt-Sigma
 * @throws {@link ConfigError} naming each setting that is missing, malformed or of another architecture
 * @throws {@link InvalidArgumentError} if no PixArt has these sizes
 */
export function pixartConfigOf(
  json: ComponentJson,
  overrides: Partial<PixartConfig> = {},
): PixartConfig {
  const settings = readComponent(json, RULES);
  const { sample_size: inputSize, cross_attention_dim: crossWidth } = settings;
  const fields = transformerFields(json, settings);
  if (crossWidth !== fields.hiddenSize) {
    const message = `is ${crossWidth}; expected the width of a token, ${fields.hiddenSize}`;
    const issues = [{ path: 'cross_attention_dim', message }];
    throw configError(json, { component: RULES.component, issues });
  }
  const config = {
    ...fields,
    inputSize,
    captionTokens: 120,
    captionChannels: settings.caption_channels,
    positionScale: settings.interpolation_scale ?? Math.max(Math.floor(inputSize / 64), 1),
    microConditions: settings.use_additional_conditions ?? inputSize === 128,
    ...overrides,
  };
  return pixartConfig('PixArt-XL-2-256x256', { name: nameOf(config), ...config });
}

/** The published model that differs in nothing. */
function nameOf(fields: Partial<PixartConfig>): string {
  const equal = (model: PixartConfig) =>
    Object.entries(fields).every(([key, value]) => model[key as keyof PixartConfig] === value);
  return PIXART_MODELS.find((model) => equal(pixartConfig(model))) ?? 'PixArt';
}
