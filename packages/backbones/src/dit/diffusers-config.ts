import {
  type ComponentJson,
  type ComponentRules,
  configError,
  count,
  orNull,
  readComponent,
} from '../weights/config.js';
import { DIT_SIZES, type DitConfig, ditConfig } from './dit.js';
import { SIT_SIZES, type SitConfig, sitConfig } from './sit.js';

/** Settings of a transformer that every family reads. */
export interface TransformerSettings {
  readonly num_attention_heads: number;
  readonly attention_head_dim: number;
  readonly num_layers: number;
  readonly patch_size: number;
  readonly sample_size: number;
  readonly in_channels: number;
  readonly out_channels: number | null;
}

/** What {@link TransformerSettings} may be. */
export const TRANSFORMER_SETTINGS: ComponentRules<TransformerSettings>['settings'] = {
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

interface DitSettings extends TransformerSettings {
  readonly num_embeds_ada_norm: number;
}

const RULES: ComponentRules<DitSettings> = {
  component: 'DiTTransformer2DModel',
  settings: { ...TRANSFORMER_SETTINGS, num_embeds_ada_norm: count() },
  fixed: {
    ...TRANSFORMER_FIXED,
    norm_type: ['ada_norm_zero'],
    // The library's own default of the first is not what the models were trained with, which is computed here.
    norm_eps: [1e-5, 1e-6],
    interpolation_scale: [null, 1],
  },
  ignored: TRANSFORMER_IGNORED,
};

/**
 * The configuration of a DiT from `config.json` of `DiTTransformer2DModel`, or of the `Transformer2DModel` that the
 * published models were stored as. A published size goes by its name, any other by `DiT`.
 *
 * @param overrides fields that differ
 * @throws {@link ConfigError} naming each setting that is missing, malformed or of another architecture
 * @throws {@link InvalidArgumentError} if no DiT has these sizes
 */
export function ditConfigOf(json: ComponentJson, overrides: Partial<DitConfig> = {}): DitConfig {
  const fields = fieldsOf(json);
  const size = DIT_SIZES.find((name) => hasSizes(ditConfig(name), fields));
  return ditConfig('DiT-XL/2', { ...fields, name: size ?? 'DiT', ...overrides });
}

/**
 * The configuration of a SiT that is stored as a DiT of diffusers, which has no class for it. Arguments and errors as for
 * {@link ditConfigOf}.
 */
export function sitConfigOf(json: ComponentJson, overrides: Partial<SitConfig> = {}): SitConfig {
  const fields = fieldsOf(json);
  const size = SIT_SIZES.find((name) => hasSizes(sitConfig(name), fields));
  return sitConfig('SiT-XL/2', { ...fields, name: size ?? 'SiT', ...overrides });
}

function fieldsOf(json: ComponentJson) {
  const settings = readComponent(json, RULES);
  return {
    ...transformerFields(json, settings),
    inputSize: settings.sample_size,
    numClasses: settings.num_embeds_ada_norm,
  };
}

/**
 * Fields of a configuration that every family has.
 *
 * @throws {@link ConfigError} if the outputs are neither the latent's channels nor twice as many
 */
export function transformerFields(json: ComponentJson, settings: TransformerSettings) {
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

function hasSizes(
  published: DitConfig,
  fields: Pick<DitConfig, 'depth' | 'hiddenSize' | 'heads' | 'patchSize'>,
): boolean {
  const names = ['depth', 'hiddenSize', 'heads', 'patchSize'] as const;
  return names.every((name) => published[name] === fields[name]);
}
