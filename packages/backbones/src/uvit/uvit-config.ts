import { assertOneOf } from '@harmonica/core';
import {
  assertTransformerShape,
  TRANSFORMER_COUNTS,
  type TransformerConfig,
  type TransformerSizes,
  transformerSizes,
} from '../transformer-config.js';
import { assertCounts, invalidField } from '../weights/config.js';

/**
 * Everything that shapes a U-ViT (Bao et al., 2023). Plain JSON. Its width is even, and so is its depth: half of the blocks
 * stand before the middle one, which is not counted, half after it.
 */
export interface UvitConfig extends TransformerConfig {
  /** Classes without the null class; 0 for a model without labels. */
  readonly numClasses: number;
  /** Whether label `numClasses` is the null class of classifier-free guidance. */
  readonly nullClass: boolean;
  /** Tokens of a caption; 0 for a model without captions. */
  readonly captionTokens: number;
  /** Width of a caption's embedding; 0 for a model without captions. */
  readonly captionChannels: number;
  /** Whether a 3 x 3 convolution ends the model. */
  readonly finalConvolution: boolean;
}

const SMALL = { depth: 12, hiddenSize: 512, heads: 8 } as const;
const DEEP = { ...SMALL, depth: 16 } as const;
const MID = { depth: 16, hiddenSize: 768, heads: 12 } as const;
const LARGE = { depth: 20, hiddenSize: 1024, heads: 16 } as const;
const HUGE = { depth: 28, hiddenSize: 1152, heads: 16, finalConvolution: false } as const;

const PIXELS_32 = { inputSize: 32, patchSize: 2, inChannels: 3 } as const;
const PIXELS_64 = { inputSize: 64, patchSize: 4, inChannels: 3 } as const;
const LATENT_256 = { inputSize: 32, patchSize: 2, inChannels: 4 } as const;
const LATENT_512 = { inputSize: 64, patchSize: 4, inChannels: 4 } as const;

const IMAGENET = { numClasses: 1000, nullClass: true } as const;
const IMAGENET_64 = { numClasses: 1000, nullClass: false } as const;
const CLIP = { captionTokens: 77, captionChannels: 768 } as const;

/** What the published models differ in. */
const MODELS = {
  cifar10_uvit_small: { name: 'U-ViT-S/2', ...SMALL, ...PIXELS_32 },
  celeba64_uvit_small: { name: 'U-ViT-S/4', ...SMALL, ...PIXELS_64 },
  mscoco_uvit_small: { name: 'U-ViT-S/2', ...SMALL, ...LATENT_256, ...CLIP },
  mscoco_uvit_small_deep: { name: 'U-ViT-S/2 (Deep)', ...DEEP, ...LATENT_256, ...CLIP },
  imagenet64_uvit_mid: { name: 'U-ViT-M/4', ...MID, ...PIXELS_64, ...IMAGENET_64 },
  imagenet64_uvit_large: { name: 'U-ViT-L/4', ...LARGE, ...PIXELS_64, ...IMAGENET_64 },
  imagenet256_uvit_large: { name: 'U-ViT-L/2', ...LARGE, ...LATENT_256, ...IMAGENET },
  imagenet256_uvit_huge: { name: 'U-ViT-H/2', ...HUGE, ...LATENT_256, ...IMAGENET },
  imagenet512_uvit_large: { name: 'U-ViT-L/4', ...LARGE, ...LATENT_512, ...IMAGENET },
  imagenet512_uvit_huge: { name: 'U-ViT-H/4', ...HUGE, ...LATENT_512, ...IMAGENET },
} as const;

/** The published models, smallest first. */
export const UVIT_MODELS = Object.keys(MODELS) as readonly (keyof typeof MODELS)[];

/** A published model, under the name of its checkpoint. */
export type UvitModel = (typeof UVIT_MODELS)[number];

/**
 * The configuration of a published model.
 *
 * @param overrides fields that differ
 * @throws {@link InvalidArgumentError}
 */
export function uvitConfig(model: UvitModel, overrides: Partial<UvitConfig> = {}): UvitConfig {
  const fix = 'For another architecture write a UvitConfig out in full.';
  assertOneOf({ model }, UVIT_MODELS, fix);
  const config: UvitConfig = {
    mlpRatio: 4,
    numClasses: 0,
    nullClass: false,
    captionTokens: 0,
    captionChannels: 0,
    finalConvolution: true,
    ...MODELS[model],
    ...overrides,
  };
  assertUvitConfig(config);
  return config;
}

/** Sizes that follow from a configuration. */
interface UvitSizes extends TransformerSizes {
  /** Tokens before those of the patches: label or caption, and time. */
  readonly extras: number;
  /** All tokens L. */
  readonly tokens: number;
  /** Blocks before the middle one, each with a long skip to one after it. */
  readonly skips: number;
}

/** Derives sizes from a valid configuration. */
export function uvitSizes(config: UvitConfig): UvitSizes {
  const { depth, numClasses, captionTokens } = config;
  const sizes = transformerSizes(config);
  const extras = 1 + (numClasses > 0 ? 1 : captionTokens);
  return { ...sizes, extras, tokens: extras + sizes.patches, skips: depth / 2 };
}

/** The official name of a block: those before the middle, the middle, those after it. */
export function uvitBlockName({ depth }: Pick<UvitConfig, 'depth'>, block: number): string {
  const half = depth / 2;
  if (block < half) return `in_blocks.${block}`;
  return block === half ? 'mid_block' : `out_blocks.${block - half - 1}`;
}

/** Throws {@link InvalidArgumentError} naming the first field that no U-ViT can have. */
export function assertUvitConfig(config: UvitConfig): void {
  assertCounts(config, TRANSFORMER_COUNTS);
  assertCounts(config, ['numClasses', 'captionTokens', 'captionChannels'], 0);
  for (const field of ['depth', 'hiddenSize'] as const) {
    if (config[field] % 2 !== 0) throw invalidField(config, field, 'an even number');
  }
  assertTransformerShape(config, ['inputSize']);
  assertConditioning(config);
}

function assertConditioning(config: UvitConfig): void {
  const { numClasses, nullClass, captionTokens, captionChannels } = config;
  if (captionTokens > 0 !== captionChannels > 0) {
    throw invalidField(config, 'captionChannels', 'positive with captions, and 0 without');
  }
  if (numClasses > 0 && captionTokens > 0) {
    throw invalidField(config, 'captionTokens', '0 for a model with labels');
  }
  if (nullClass && numClasses === 0) {
    throw invalidField(config, 'nullClass', 'false for a model without labels');
  }
}
