import type { BackboneFamily } from '../family.js';
import { DIT, publishedSizes } from './dit-family.js';
import { loadSit, randomSit, SIT_SIZES, type SitConfig, sitConfig, sitSpec } from './sit.js';

const { guidance, classes, resized, fittedTo } = DIT;

/** The scalable interpolant transformers of Ma et al. (2024). diffusers has no class for them. */
export const SIT = {
  models: SIT_SIZES,
  published: SIT_SIZES.flatMap((size) =>
    publishedSizes(size, (overrides) => sitConfig(size, overrides), {
      inputSize: 64,
      learnSigma: false,
    }),
  ),
  custom: (fields) => sitConfig('SiT-XL/2', fields),
  spec: sitSpec,
  process: () => ({ kind: 'sit', sampler: 'sit-ode' }),
  guidance,
  classes,
  resized,
  fittedTo,
  load: loadSit,
  random: randomSit,
} as const satisfies BackboneFamily<SitConfig>;
