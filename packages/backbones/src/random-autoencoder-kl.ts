import { type AutoencoderKl, createAutoencoderKl } from './autoencoder-kl.js';
import { type AutoencoderKlConfig, assertAutoencoderKlConfig } from './autoencoder-kl-config.js';
import { autoencoderKlParameters } from './autoencoder-kl-parameters.js';
import { randomWeights } from './random-weights.js';

export interface RandomAutoencoderKlOptions {
  readonly config: AutoencoderKlConfig;
  /** Integer in [0, 2^53). */
  readonly seed: number;
}

/**
 * An AutoencoderKL of random weights, for tests and benchmarks; the same seed gives the same weights.
 *
 * @returns an autoencoder on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError}
 */
export function randomAutoencoderKl(options: RandomAutoencoderKlOptions): AutoencoderKl {
  const { config, seed } = options;
  assertAutoencoderKlConfig(config);
  const parameters = autoencoderKlParameters(config);
  const weights = randomWeights({ owner: 'AutoencoderKL', parameters, seed });
  return createAutoencoderKl({ config, weights });
}
