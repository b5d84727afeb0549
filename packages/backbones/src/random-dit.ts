import type { Backbone } from '@harmonica/core';
import { createDit } from './dit.js';
import { assertDitConfig, type DitConfig } from './dit-config.js';
import { ditParameters } from './dit-parameters.js';
import { randomWeights } from './random-weights.js';

export interface RandomDitOptions {
  readonly config: DitConfig;
  /** Integer in [0, 2^53). */
  readonly seed: number;
}

/**
 * A DiT whose weights are all random, the zero-initialised ones included, so that every branch has an effect. For tests
 * and benchmarks; the same seed gives the same weights.
 *
 * @returns a backbone on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError}
 */
export function randomDit({ config, seed }: RandomDitOptions): Backbone {
  assertDitConfig(config);
  const weights = randomWeights({ owner: config.name, parameters: ditParameters(config), seed });
  return createDit({ config, weights });
}
