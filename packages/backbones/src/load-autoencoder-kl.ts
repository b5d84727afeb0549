import { type AutoencoderKl, createAutoencoderKl } from './autoencoder-kl.js';
import { type AutoencoderKlConfig, assertAutoencoderKlConfig } from './autoencoder-kl-config.js';
import { autoencoderKlParameters } from './autoencoder-kl-parameters.js';
import { type LoadOptions, loadWeights } from './load-weights.js';

export interface LoadAutoencoderKlOptions extends LoadOptions {
  readonly config: AutoencoderKlConfig;
}

/**
 * Loads an AutoencoderKL from a checkpoint with diffusers' parameter names, one tensor at a time. The attention may be
 * stored as `to_q`, `to_k`, `to_v`, `to_out.0` or under its older names `query`, `key`, `value`, `proj_attn`, as
 * matrices or as 1 x 1 convolutions.
 *
 * @returns an autoencoder whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError} if no AutoencoderKL has this configuration
 * @throws {@link CheckpointError} naming each tensor that is missing, unknown or of another shape
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 * @throws {@link AbortedError}
 */
export async function loadAutoencoderKl(options: LoadAutoencoderKlOptions): Promise<AutoencoderKl> {
  const { config, ...loading } = options;
  assertAutoencoderKlConfig(config);
  const weights = await loadWeights({
    ...loading,
    owner: 'AutoencoderKL',
    layouts: [{ parameters: autoencoderKlParameters(config) }],
  });
  return createAutoencoderKl({ config, weights });
}
