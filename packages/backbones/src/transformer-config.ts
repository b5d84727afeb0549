import {
  type ComponentJson,
  configError,
  count,
  invalidField,
  orNull,
  type SettingsOf,
} from './weights/config.js';

/** What shapes every transformer here. Plain JSON. */
export interface TransformerConfig {
  /** For people and provenance, such as `DiT-XL/2`. */
  readonly name: string;
  /** Blocks of branches. */
  readonly depth: number;
  /** Width D of a token, a multiple of `heads`. */
  readonly hiddenSize: number;
  readonly heads: number;
  /** Pixels of the image or latent along a side of a token's patch. */
  readonly patchSize: number;
  /** Width of the MLP's hidden layer divided by `hiddenSize`. */
  readonly mlpRatio: number;
  /** Height and width of the square image or latent, a multiple of `patchSize`. */
  readonly inputSize: number;
  readonly inChannels: number;
}

/** The fields of it that are positive integers. */
export const TRANSFORMER_COUNTS = [
  'depth',
  'hiddenSize',
  'heads',
  'patchSize',
  'inputSize',
  'inChannels',
] as const;

/** Sizes that follow from a valid configuration. */
export interface TransformerSizes {
  /** Rows and columns of the grid of patches. */
  readonly rows: number;
  readonly columns: number;
  readonly patches: number;
  /** Values of one input patch. */
  readonly patchInputs: number;
  /** Values of one output patch. */
  readonly patchOutputs: number;
  readonly outputChannels: number;
  /** Width of the MLP's hidden layer. */
  readonly mlpWidth: number;
}

/** What the sizes of a transformer follow from. */
export interface SizedConfig extends TransformerConfig {
  /** Default `inputSize`. */
  readonly latentHeight?: number;
  /** Default `inputSize`. */
  readonly latentWidth?: number;
  /** Whether there are twice as many output channels. Default false. */
  readonly learnSigma?: boolean;
}

/** The sizes of a transformer. */
export function transformerSizes(config: SizedConfig): TransformerSizes {
  const { inputSize, patchSize, inChannels, hiddenSize, mlpRatio, learnSigma = false } = config;
  const { latentHeight = inputSize, latentWidth = inputSize } = config;
  const [rows, columns] = [latentHeight / patchSize, latentWidth / patchSize];
  const outputChannels = learnSigma ? 2 * inChannels : inChannels;
  return {
    rows,
    columns,
    patches: rows * columns,
    patchInputs: patchSize ** 2 * inChannels,
    patchOutputs: patchSize ** 2 * outputChannels,
    outputChannels,
    mlpWidth: Math.trunc(hiddenSize * mlpRatio),
  };
}

/**
 * Heads divide the width, patches the given sides, and the MLP has a hidden layer.
 *
 * @throws {@link InvalidArgumentError} for the first field of which this is not true
 */
export function assertTransformerShape<C extends TransformerConfig>(
  config: C,
  sides: readonly (keyof C & string)[],
): void {
  const { hiddenSize, heads, patchSize, mlpRatio }: TransformerConfig = config;
  if (hiddenSize % heads !== 0) {
    throw invalidField(config, 'heads', `a divisor of hiddenSize ${hiddenSize}`);
  }
  for (const side of sides) {
    if ((config[side] as number) % patchSize === 0) continue;
    throw invalidField(config, side, `a multiple of patchSize ${patchSize}`);
  }
  if (!(mlpRatio * hiddenSize >= 1 && Number.isFinite(mlpRatio))) {
    throw invalidField(config, 'mlpRatio', `a finite number of at least 1 / ${hiddenSize}`);
  }
}

/** Settings that every transformer's file has. */
export const TRANSFORMER_SETTINGS = {
  num_attention_heads: count(),
  attention_head_dim: count(),
  num_layers: count(),
  patch_size: count(),
  sample_size: count(),
  in_channels: count(),
  out_channels: orNull(count()),
};

/** What all transformers here have in common. */
export const TRANSFORMER_FIXED = {
  activation_fn: ['gelu-approximate'],
  attention_bias: [true],
  attention_type: ['default'],
} as const;

/** The precision of attention, parts that are only there in training, and leftovers of other architectures. */
export const TRANSFORMER_IGNORED = ['dropout', 'norm_num_groups', 'upcast_attention'] as const;

/**
 * Fields of a configuration that every family has.
 *
 * @throws {@link ConfigError} if the outputs are neither the latent's channels nor twice as many
 */
export function transformerFields(
  json: ComponentJson,
  settings: SettingsOf<typeof TRANSFORMER_SETTINGS>,
) {
  const { in_channels: inChannels, out_channels: outputs, num_attention_heads: heads } = settings;
  const outChannels = outputs ?? inChannels;
  if (outChannels !== inChannels && outChannels !== 2 * inChannels) {
    const message = `is ${outChannels}; expected in_channels ${inChannels}, or twice as many`;
    const issues = [{ path: 'out_channels', message }];
    throw configError(json, { component: 'the transformer', issues });
  }
  return {
    depth: settings.num_layers,
    hiddenSize: heads * settings.attention_head_dim,
    heads,
    patchSize: settings.patch_size,
    mlpRatio: 4,
    inChannels,
    learnSigma: outChannels === 2 * inChannels,
  };
}
