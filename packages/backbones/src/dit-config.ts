import { InvalidArgumentError } from '@harmonica/core';
import { assertCounts, assertTransformerShape, invalidField } from './config-checks.js';

/** Everything that shapes a DiT (Peebles and Xie, 2022). Plain JSON. */
export interface DitConfig {
  /** For people and provenance, such as `DiT-XL/2`. */
  readonly name: string;
  /** Blocks; each has an attention and an MLP branch. */
  readonly depth: number;
  /** Width D of a token, a multiple of 4 and of `heads`. */
  readonly hiddenSize: number;
  readonly heads: number;
  /** Latent pixels along a side of a token's patch. */
  readonly patchSize: number;
  /** Width of the MLP's hidden layer divided by `hiddenSize`. */
  readonly mlpRatio: number;
  /** Height and width of the square latent, a multiple of `patchSize`. */
  readonly inputSize: number;
  readonly inChannels: number;
  /** Without the null class of classifier-free guidance, which is label `numClasses`. */
  readonly numClasses: number;
  /** Whether the output has a second half of channels for the variance. */
  readonly learnSigma: boolean;
}

const FAMILIES = {
  S: { depth: 12, hiddenSize: 384, heads: 6 },
  B: { depth: 12, hiddenSize: 768, heads: 12 },
  L: { depth: 24, hiddenSize: 1024, heads: 16 },
  XL: { depth: 28, hiddenSize: 1152, heads: 16 },
} as const;
const PATCH_SIZES = [2, 4, 8] as const;

type Family = keyof typeof FAMILIES;
type PatchSize = (typeof PATCH_SIZES)[number];

/** A published size and patch size. */
export type DitSize = `DiT-${Family}/${PatchSize}`;

/** The twelve published sizes, smallest first (Peebles and Xie, 2022, Tables 1 and 4). */
export const DIT_SIZES: readonly DitSize[] = (Object.keys(FAMILIES) as Family[]).flatMap((family) =>
  [...PATCH_SIZES].reverse().map((patch): DitSize => `DiT-${family}/${patch}`),
);

/**
 * The configuration of a published size.
 *
 * @param overrides fields that differ from the published ImageNet 256 x 256 models, whose `inputSize` is 32, `inChannels`
 *   4, `numClasses` 1000, `mlpRatio` 4 and `learnSigma` true; `inputSize: 64` gives the 512 x 512 models
 * @throws {@link InvalidArgumentError}
 */
export function ditConfig(size: DitSize, overrides: Partial<DitConfig> = {}): DitConfig {
  if (!DIT_SIZES.includes(size)) {
    throw new InvalidArgumentError({
      argument: 'size',
      value: size,
      expected: `one of ${DIT_SIZES.join(', ')}`,
      fix: 'For another architecture write a DitConfig out in full.',
    });
  }
  const [family, patch] = size.slice('DiT-'.length).split('/') as [Family, string];
  const config: DitConfig = {
    name: size,
    ...FAMILIES[family],
    patchSize: Number(patch),
    mlpRatio: 4,
    inputSize: 32,
    inChannels: 4,
    numClasses: 1000,
    learnSigma: true,
    ...overrides,
  };
  assertDitConfig(config);
  return config;
}

/** Sizes that follow from a configuration. */
export interface DitSizes {
  /** Tokens along a side of the grid. */
  readonly gridSize: number;
  /** Tokens L. */
  readonly tokens: number;
  /** Values of one input patch. */
  readonly patchInputs: number;
  /** Values of one output patch. */
  readonly patchOutputs: number;
  readonly outputChannels: number;
  /** Width of the MLP's hidden layer. */
  readonly mlpWidth: number;
}

/** Derives sizes from a valid configuration. */
export function ditSizes(config: DitConfig): DitSizes {
  const { inputSize, patchSize, inChannels, learnSigma, hiddenSize, mlpRatio } = config;
  const gridSize = inputSize / patchSize;
  const outputChannels = learnSigma ? 2 * inChannels : inChannels;
  return {
    gridSize,
    tokens: gridSize ** 2,
    patchInputs: patchSize ** 2 * inChannels,
    patchOutputs: patchSize ** 2 * outputChannels,
    outputChannels,
    mlpWidth: Math.trunc(hiddenSize * mlpRatio),
  };
}

/** Throws {@link InvalidArgumentError} naming the first field that no DiT can have. */
export function assertDitConfig(config: DitConfig): void {
  const counts = [
    'depth',
    'hiddenSize',
    'heads',
    'patchSize',
    'inputSize',
    'inChannels',
    'numClasses',
  ] as const;
  assertCounts(config, counts);
  if (config.hiddenSize % 4 !== 0) throw invalidField(config, 'hiddenSize', 'a multiple of 4');
  assertTransformerShape(config, ['inputSize']);
}
