import type { Backbone } from '@harmonica/core';
import { type LoadOptions, loadWeights } from './load-weights.js';
import { createPixart } from './pixart.js';
import { assertPixartConfig, type PixartConfig } from './pixart-config.js';
import { pixartLayouts } from './pixart-parameters.js';

export interface LoadPixartOptions extends LoadOptions {
  readonly config: PixartConfig;
}

/**
 * Loads a PixArt-alpha or PixArt-Sigma from a checkpoint with the official parameter names or with those of diffusers
 * (`PixArtTransformer2DModel`), one tensor at a time. A stored position table is left out, as the official code does: it
 * is computed for the configuration's grid.
 *
 * @returns a backbone whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError} if no PixArt has this configuration
 * @throws {@link CheckpointError} naming each tensor that is missing, unknown or of another shape
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 * @throws {@link AbortedError}
 */
export async function loadPixart({ config, ...options }: LoadPixartOptions): Promise<Backbone> {
  assertPixartConfig(config);
  const layouts = pixartLayouts(config);
  const weights = await loadWeights({ ...options, owner: config.name, layouts });
  return createPixart({ config, weights });
}
