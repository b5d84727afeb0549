import type { Backbone } from '@harmonica/core';
import { createDit } from './dit.js';
import { assertDitConfig, type DitConfig } from './dit-config.js';
import { ditLayouts } from './dit-layouts.js';
import { ditParameters } from './dit-parameters.js';
import { type LoadOptions, loadWeights } from './load-weights.js';
import { assertStoredPositions } from './stored-positions.js';

export interface LoadDitOptions extends LoadOptions {
  readonly config: DitConfig;
}

/**
 * Loads a DiT from a checkpoint with the official parameter names or with those of diffusers
 * (`DiTTransformer2DModel`), one tensor at a time. The fixed position table `pos_embed` may be in the file or not; it is
 * computed either way, and a stored one must agree.
 *
 * @returns a backbone whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError} if no DiT has this configuration
 * @throws {@link CheckpointError} naming each tensor that is missing, unknown or of another shape
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 * @throws {@link AbortedError}
 */
export async function loadDit({ config, ...options }: LoadDitOptions): Promise<Backbone> {
  assertDitConfig(config);
  const layouts = ditLayouts({ config, parameters: ditParameters(config) });
  const weights = await loadWeights({ ...options, owner: config.name, layouts });
  try {
    await assertStoredPositions(config, options.source);
    return createDit({ config, weights });
  } catch (error) {
    weights.dispose();
    throw error;
  }
}
