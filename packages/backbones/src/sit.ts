import type { Backbone } from '@harmonica/core';
import { createDit } from './dit.js';
import type { SitConfig } from './sit-config.js';
import { sitSpec } from './sit-spec.js';
import type { Weights } from './weights.js';

export interface SitOptions {
  readonly config: SitConfig;
  /** Every tensor of `sitParameters(config)`. Owned by the backbone from here on. */
  readonly weights: Weights;
}

/** The scalable interpolant transformer (Ma et al., 2024): a DiT without variance that predicts the velocity. */
export function createSit({ config, weights }: SitOptions): Backbone {
  const dit = createDit({ config: { ...config, learnSigma: false }, weights });
  return { ...dit, spec: sitSpec(config) };
}
