import type { Backbone } from '@harmonica/core';
import { type LoadOptions, loadWeights } from './load-weights.js';
import { createUvit } from './uvit.js';
import { assertUvitConfig, type UvitConfig } from './uvit-config.js';
import { uvitParameters } from './uvit-parameters.js';

export interface LoadUvitOptions extends LoadOptions {
  readonly config: UvitConfig;
}

/**
 * Loads a U-ViT from a checkpoint with the official parameter names, the only ones it has been published with, one
 * tensor at a time.
 *
 * @returns a backbone whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError} if no U-ViT has this configuration
 * @throws {@link CheckpointError} naming each tensor that is missing, unknown or of another shape
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 * @throws {@link AbortedError}
 */
export async function loadUvit({ config, ...options }: LoadUvitOptions): Promise<Backbone> {
  assertUvitConfig(config);
  const parameters = uvitParameters(config);
  const weights = await loadWeights({ ...options, owner: config.name, layouts: [{ parameters }] });
  return createUvit({ config, weights });
}
