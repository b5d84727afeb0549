import { type BackboneFamily, slugOf } from '../family.js';
import { loadPixart, randomPixart } from './load-pixart.js';
import { pixartSpec } from './pixart.js';
import {
  PIXART_MODELS,
  type PixartConfig,
  type PixartModel,
  pixartConfig,
  pixartConfigOf,
} from './pixart-config.js';

/** PixArt-alpha (Chen et al., 2023) and PixArt-Sigma (Chen et al., 2024). */
export const PIXART = {
  models: PIXART_MODELS,
  published: PIXART_MODELS.flatMap((model) =>
    [shortName(model), slugOf(model)].map((name) => ({ name, config: () => pixartConfig(model) })),
  ),
  custom: (fields) => pixartConfig('PixArt-XL-2-256x256', fields),
  diffusers: {
    recognises: ({ config }) =>
      config.norm_type === 'ada_norm_single' || config._class_name === 'PixArtTransformer2DModel',
    // Only the index tells PixArt-alpha's captions of 120 tokens from PixArt-Sigma's of 300.
    configOf: ({ config, index }) =>
      pixartConfigOf(config, {
        captionTokens: String(index._class_name).startsWith('PixArtSigma') ? 300 : 120,
      }),
  },
  spec: pixartSpec,
  process: () => ({ kind: 'diffusion', sampler: 'dpm-solver++', schedule: 'linear' }),
  guidance: ({ inChannels }) => ({ scale: 4.5, channels: inChannels }),
  classes: () => 0,
  resized: (config, { height, width }) => ({
    ...config,
    latentHeight: height,
    latentWidth: width,
  }),
  fittedTo: (config) => config,
  load: loadPixart,
  random: randomPixart,
} as const satisfies BackboneFamily<PixartConfig>;

function shortName(model: PixartModel): string {
  const [, sigma, resolution = ''] = /^PixArt-(Sigma-)?XL-2-(\w+?)(?:x\d+|-MS)$/.exec(model) ?? [];
  return `pixart-${sigma ? 'sigma' : 'alpha'}-${slugOf(resolution)}`;
}
