import {
  loadUvit,
  randomUvit,
  UVIT_MODELS,
  type UvitConfig,
  uvitConfig,
  uvitSpec,
} from '@harmonica/backbones';
import { type Family, slugOf } from './family.js';

/** U-ViT (Bao et al., 2023). */
export const uvit: Family<'uvit', UvitConfig> = {
  name: 'uvit',
  spec: uvitSpec,
  process: ({ inChannels }) => ({
    kind: 'diffusion',
    sampler: 'dpm-solver++',
    // Its models of latents have the noise of Stable Diffusion, those of pixels that of DDPM.
    schedule: inChannels === 3 ? 'linear' : 'scaled-linear',
  }),
  guidance: ({ inChannels, nullClass, captionTokens }) => ({
    scale: captionTokens > 0 ? 2 : nullClass ? 1.4 : 1,
    channels: inChannels,
  }),
  classes: ({ numClasses }) => numClasses,
  resized: (config, { height, channels }) => ({
    ...config,
    inputSize: height,
    inChannels: channels,
  }),
  load: loadUvit,
  random: randomUvit,
  published() {
    const names = UVIT_MODELS.map((model) => uvitConfig(model).name);
    return UVIT_MODELS.map((model, i) => {
      const config = () => uvitConfig(model);
      // A short name for those whose own name is theirs alone.
      const own = names.indexOf(names[i] as string) === names.lastIndexOf(names[i] as string);
      return { name: model, config, aliases: own ? { [slugOf(names[i] as string)]: config } : {} };
    });
  },
  defaults: () => uvitConfig('imagenet256_uvit_huge'),
};
