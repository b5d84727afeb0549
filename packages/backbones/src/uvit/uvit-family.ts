import { type BackboneFamily, slugOf } from '../family.js';
import { loadUvit, randomUvit } from './load-uvit.js';
import { uvitSpec } from './uvit.js';
import { UVIT_MODELS, type UvitConfig, type UvitModel, uvitConfig } from './uvit-config.js';

/** The U-ViTs of Bao et al. (2023). diffusers has no class for them. */
export const UVIT = {
  models: UVIT_MODELS,
  published: UVIT_MODELS.flatMap((model) =>
    namesOf(model).map((name) => ({ name, config: () => uvitConfig(model) })),
  ),
  custom: (fields) => uvitConfig('imagenet256_uvit_huge', fields),
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
  fittedTo: (config) => config,
  load: loadUvit,
  random: randomUvit,
} as const satisfies BackboneFamily<UvitConfig>;

/** The name of its checkpoint, and a short one where its own name is its alone. */
function namesOf(model: UvitModel): string[] {
  const { name } = uvitConfig(model);
  const namesakes = UVIT_MODELS.filter((other) => uvitConfig(other).name === name);
  return namesakes.length > 1 ? [slugOf(model)] : [slugOf(name), slugOf(model)];
}
