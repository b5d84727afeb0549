import type { Backbone } from '@harmonica/core';
import { assertDitConfig } from './dit-config.js';
import { ditLayouts } from './dit-layouts.js';
import { type LoadOptions, loadWeights } from './load-weights.js';
import { createSit } from './sit.js';
import type { SitConfig } from './sit-config.js';
import { sitParameters } from './sit-parameters.js';
import { assertStoredPositions } from './stored-positions.js';

export interface LoadSitOptions extends LoadOptions {
  readonly config: SitConfig;
}

/**
 * Loads a SiT from a checkpoint with the official parameter names, which are those of DiT, or with the names that
 * diffusers gives a DiT, one tensor at a time.
 *
 * @returns a backbone whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws as {@link loadDit} does
 */
export async function loadSit({ config, ...options }: LoadSitOptions): Promise<Backbone> {
  assertDitConfig(config);
  const layouts = ditLayouts({ config, parameters: sitParameters(config) });
  const weights = await loadWeights({ ...options, owner: config.name, layouts });
  try {
    await assertStoredPositions(config, options.source);
    return createSit({ config, weights });
  } catch (error) {
    weights.dispose();
    throw error;
  }
}
