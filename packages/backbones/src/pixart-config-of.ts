import {
  type ComponentJson,
  type ComponentRules,
  configError,
  count,
  flag,
  orNull,
  positive,
  readComponent,
} from './component-config.js';
import {
  TRANSFORMER_FIXED,
  TRANSFORMER_IGNORED,
  TRANSFORMER_SETTINGS,
  type TransformerSettings,
  transformerFields,
} from './dit-config-of.js';
import { PIXART_MODELS, type PixartConfig, pixartConfig } from './pixart-config.js';

interface PixartSettings extends TransformerSettings {
  readonly cross_attention_dim: number;
  readonly caption_channels: number;
  readonly interpolation_scale: number | null;
  readonly use_additional_conditions: boolean | null;
}

const RULES: ComponentRules<PixartSettings> = {
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
