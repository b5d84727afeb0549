import type { WeightSource } from '@harmonica/core';
import { type LoadOptions, loadWeights } from './load-weights.js';
import type { Layout } from './parameter.js';
import { randomWeights, type Weights } from './weights.js';

/** What to load, and how. */
export interface LoadModelOptions<C> extends LoadOptions {
  readonly config: C;
}

/** A model of random weights. */
export interface RandomModelOptions<C> {
  readonly config: C;
  /** Integer in [0, 2^53). */
  readonly seed: number;
}

/** How a model is made of its configuration and weights. */
export interface Blueprint<C, Model> {
  /** @throws {@link InvalidArgumentError} naming the first field that no such model can have */
  assertConfig(config: C): void;
  /** What the weights belong to, for error messages. */
  owner(config: C): string;
  /** The layouts that a checkpoint may have, the official one first. */
  layouts(config: C): readonly [Layout, ...Layout[]];
  /** The model owns its weights from here on. */
  create(parts: { readonly config: C; readonly weights: Weights }): Model;
  /** @throws {@link CheckpointError} if what a file holds beside the weights is of another model */
  assertStored?(config: C, source: WeightSource): Promise<void>;
}

/**
 * A model with the weights of a checkpoint, one tensor at a time.
 *
 * @throws as the parts of the blueprint and {@link loadWeights} do
 */
export async function loadModel<C, Model>(
  blueprint: Blueprint<C, Model>,
  { config, ...options }: LoadModelOptions<C>,
): Promise<Model> {
  blueprint.assertConfig(config);
  const [owner, layouts] = [blueprint.owner(config), blueprint.layouts(config)];
  const weights = await loadWeights({ ...options, owner, layouts });
  try {
    await blueprint.assertStored?.(config, options.source);
    return blueprint.create({ config, weights });
  } catch (error) {
    weights.dispose();
    throw error;
  }
}

/**
 * A model whose weights are all random, the zero-initialised ones included, so that every part has an effect.
 *
 * @throws {@link InvalidArgumentError} if there is no such model
 */
export function randomModel<C, Model>(
  blueprint: Blueprint<C, Model>,
  { config, seed }: RandomModelOptions<C>,
): Model {
  blueprint.assertConfig(config);
  const [{ parameters }] = blueprint.layouts(config);
  const weights = randomWeights({ owner: blueprint.owner(config), parameters, seed });
  return blueprint.create({ config, weights });
}
