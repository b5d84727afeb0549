import type { Backbone } from '@harmonica/core';
import { assertDitConfig } from './dit-config.js';
import { randomWeights } from './random-weights.js';
import { createSit } from './sit.js';
import type { SitConfig } from './sit-config.js';
import { sitParameters } from './sit-parameters.js';

export interface RandomSitOptions {
  readonly config: SitConfig;
  /** Integer in [0, 2^53). */
  readonly seed: number;
}

/**
 * A SiT of random weights, for tests and benchmarks; the same seed gives the same weights.
 *
 * @returns a backbone on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError}
 */
export function randomSit({ config, seed }: RandomSitOptions): Backbone {
  assertDitConfig(config);
  const weights = randomWeights({ owner: config.name, parameters: sitParameters(config), seed });
  return createSit({ config, weights });
}
