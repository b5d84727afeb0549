import type { Backbone } from '@harmonica/core';
import { randomWeights } from './random-weights.js';
import { createUvit } from './uvit.js';
import { assertUvitConfig, type UvitConfig } from './uvit-config.js';
import { uvitParameters } from './uvit-parameters.js';

export interface RandomUvitOptions {
  readonly config: UvitConfig;
  /** Integer in [0, 2^53). */
  readonly seed: number;
}

/**
 * A U-ViT of random weights, for tests and benchmarks; the same seed gives the same weights.
 *
 * @returns a backbone on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError}
 */
export function randomUvit({ config, seed }: RandomUvitOptions): Backbone {
  assertUvitConfig(config);
  const weights = randomWeights({ owner: config.name, parameters: uvitParameters(config), seed });
  return createUvit({ config, weights });
}
