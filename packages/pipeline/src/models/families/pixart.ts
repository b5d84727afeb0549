import {
  loadPixart,
  PIXART_MODELS,
  type PixartConfig,
  pixartConfig,
  pixartConfigOf,
  pixartSpec,
  randomPixart,
} from '@harmonica/backbones';
import { type Family, slugOf } from './family.js';

/** PixArt-alpha and PixArt-Sigma (Chen et al., 2023 and 2024). */
export const pixart: Family<'pixart', PixartConfig> = {
  name: 'pixart',
  spec: pixartSpec,
  process: () => ({ kind: 'diffusion', sampler: 'dpm-solver++', schedule: 'linear' }),
  guidance: ({ inChannels }) => ({ scale: 4.5, channels: inChannels }),
  classes: () => 0,
  resized: (config, { height, width }) => ({ ...config, latentHeight: height, latentWidth: width }),
  load: loadPixart,
  random: randomPixart,
  published: () =>
    PIXART_MODELS.map((name) => {
      const config = () => pixartConfig(name);
      const [, sigma, size = ''] = /^PixArt-(Sigma-)?XL-2-(\w+?)(?:x\d+|-MS)$/.exec(name) ?? [];
      const short = `pixart-${sigma ? 'sigma' : 'alpha'}-${slugOf(size)}`;
      return { name, config, aliases: { [short]: config } };
    }),
  defaults: () => pixartConfig('PixArt-XL-2-256x256'),
  square: (inputSize) => ({ latentHeight: inputSize, latentWidth: inputSize }),
  fromDiffusers(json, index) {
    const { norm_type: norm, _class_name: kind } = json;
    if (norm !== 'ada_norm_single' && kind !== 'PixArtTransformer2DModel') return undefined;
    // PixArt-alpha's captions have 120 tokens, PixArt-Sigma's 300.
    const captionTokens = String(index._class_name).startsWith('PixArtSigma') ? 300 : 120;
    return pixartConfigOf(json, { captionTokens });
  },
};
