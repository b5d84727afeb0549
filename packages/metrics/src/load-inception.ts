import type { WeightSource } from '@harmonica/core';
import type { FeatureExtractor } from './feature-extractor.js';
import { convolutionsOf, inceptionLayers } from './inception-layers.js';
import { INCEPTION_FEATURES } from './inception-network.js';
import {
  type InceptionFormat,
  type LoadInceptionProgress,
  readInception,
} from './read-inception.js';

/** What {@link loadInception} needs. */
export interface LoadInceptionOptions {
  /** Not closed. */
  readonly source: WeightSource;
  /**
   * Stands beside every result. Default `Inception (FID architecture), ` and the name of the file: any weights of the right
   * shapes are read, and results of others than the published ones must not pass for the literature's.
   */
  readonly name?: string;
  /** Called after each tensor. */
  readonly onProgress?: (progress: LoadInceptionProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Loads the Inception network that the literature's FID is defined by: TensorFlow's of 2015-12-05, ported to PyTorch as
 * `pt_inception-2015-12-05-6726825d.pth`, with the names that pytorch-fid and torch-fidelity give it. Images are resized
 * and scaled as torch-fidelity does. `logits` are without bias, as the inception score takes them.
 *
 * @returns an extractor whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link CheckpointError} naming each tensor that is missing, unknown or of another shape
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 * @throws {@link AbortedError}
 */
export function loadInception(options: LoadInceptionOptions): Promise<FeatureExtractor> {
  const { source, onProgress, signal } = options;
  const { name = `Inception (FID architecture), ${source.path.split(/[/\\]/).at(-1)}` } = options;
  return readInception({ source, name, format: pytorchFormat(), onProgress, signal });
}

/** How the checkpoint names its tensors. @internal */
export function pytorchFormat(): InceptionFormat {
  const layers = inceptionLayers({ lastPool: 'max-pool' });
  return {
    layers,
    convolutions: convolutionsOf(layers, 3).map((layer) => ({
      layer,
      filter: `${layer.name}.conv.weight`,
      gamma: `${layer.name}.bn.weight`,
      beta: `${layer.name}.bn.bias`,
      mean: `${layer.name}.bn.running_mean`,
      variance: `${layer.name}.bn.running_var`,
    })),
    classifier: [{ inputs: INCEPTION_FEATURES, outputs: 1008, weight: 'fc.weight' }],
    order: 'outputs first',
    pixels: { shift: 128, scale: 128 },
    ignored: /^fc\.bias$|\.num_batches_tracked$/,
    fix: 'Get pt_inception-2015-12-05-6726825d.pth, the checkpoint of pytorch-fid and torch-fidelity.',
  };
}
