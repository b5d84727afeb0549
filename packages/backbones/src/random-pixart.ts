import type { Backbone } from '@harmonica/core';
import { createPixart } from './pixart.js';
import { assertPixartConfig, type PixartConfig } from './pixart-config.js';
import { pixartParameters } from './pixart-parameters.js';
import { randomWeights } from './random-weights.js';

export interface RandomPixartOptions {
  readonly config: PixartConfig;
  /** Integer in [0, 2^53). */
  readonly seed: number;
}

/**
 * A PixArt whose weights are all random, the zero-initialised ones included, so that every branch has an effect. For
 * tests and benchmarks; the same seed gives the same weights.
 *
 * @returns a backbone on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError}
 */
export function randomPixart({ config, seed }: RandomPixartOptions): Backbone {
  assertPixartConfig(config);
  const parameters = pixartParameters(config);
  const weights = randomWeights({ owner: config.name, parameters, seed });
  return createPixart({ config, weights });
}
