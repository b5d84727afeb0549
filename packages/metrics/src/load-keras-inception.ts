import { CheckpointError, type WeightSource } from '@harmonica/core';
import type { io } from '@tensorflow/tfjs-core';
import type { FeatureExtractor } from './feature-extractor.js';
import { convolutionsOf, inceptionLayers } from './inception-layers.js';
import { INCEPTION_FEATURES, type PixelScaling } from './inception-network.js';
import { layersModelSource } from './layers-model-source.js';
import {
  type InceptionFormat,
  type LoadInceptionProgress,
  readInception,
} from './read-inception.js';

/** What {@link loadKerasInception} needs. */
export interface LoadKerasInceptionOptions {
  /** A layers model as the handlers of `tf.io` read it; its weights may be quantized. */
  readonly artifacts: io.ModelArtifacts;
  /** Stands beside every result. Say which weights they are: distances differ from those of the literature's network. */
  readonly name: string;
  /** How pixels were scaled in training. Default Keras's, to [-1, 1]; to [0, 1] is `{ shift: 0, scale: 255 }`. */
  readonly pixels?: PixelScaling;
  /** Called after each tensor. */
  readonly onProgress?: (progress: LoadInceptionProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

const FIX =
  "Give keras.applications.InceptionV3, converted to a layers model, with the layers' names and dense layers at its end.";

/**
 * Loads an Inception v3 of Keras, of any number of classes, that was converted to a layers model of TensorFlow.js. The
 * convolutions are told by the order of the numbers in their names. `logits` are those of the last dense layer,
 * with bias, before any softmax.
 *
 * @returns an extractor whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link CheckpointError} naming each tensor that is missing, unknown or of another shape
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 * @throws {@link AbortedError}
 */
export async function loadKerasInception(
  options: LoadKerasInceptionOptions,
): Promise<FeatureExtractor> {
  const { artifacts, name, pixels = { shift: 127.5, scale: 127.5 }, onProgress, signal } = options;
  const source = layersModelSource({ artifacts, path: name });
  const format = kerasFormat(source, pixels);
  return readInception({ source, name, format, onProgress, signal });
}

function kerasFormat(source: WeightSource, pixels: PixelScaling): InceptionFormat {
  const layers = inceptionLayers({ lastPool: 'average-pool' });
  const convolutions = numbered(source, 'conv2d', 'kernel');
  const norms = numbered(source, 'batch_normalization', 'beta');
  return {
    layers,
    convolutions: convolutionsOf(layers, 3).map((layer, i) => {
      const norm = norms[i] ?? `batch_normalization (number ${i + 1})`;
      return {
        layer,
        filter: `${convolutions[i] ?? `conv2d (number ${i + 1})`}/kernel`,
        beta: `${norm}/beta`,
        mean: `${norm}/moving_mean`,
        variance: `${norm}/moving_variance`,
      };
    }),
    classifier: classifierOf(source),
    order: 'outputs last',
    pixels,
    ignored: /^$/,
    fix: FIX,
  };
}

/** Layers of a kind, such as `conv2d`, `conv2d_1`, by number, told by a weight that each has. */
function numbered({ names }: WeightSource, kind: string, weight: string): string[] {
  const pattern = new RegExp(`^(?:.*/)?${kind}(?:_(\\d+))?/${weight}$`);
  return names
    .map((name) => ({ name, match: pattern.exec(name) }))
    .filter(({ match }) => match !== null)
    .map(({ name, match }) => ({
      layer: name.slice(0, -weight.length - 1),
      number: Number(match?.[1] ?? 0),
    }))
    .sort((a, b) => a.number - b.number)
    .map(({ layer }) => layer);
}

/** The dense layers by number: the first takes the features, each other what the one before it gives. */
function classifierOf(source: WeightSource): InceptionFormat['classifier'] {
  const layers = numbered(source, '[a-z]+', 'kernel').flatMap((layer) => {
    const { shape } = source.info(`${layer}/kernel`);
    const [inputs = 0, outputs = 0] = shape;
    return shape.length === 2
      ? [{ inputs, outputs, weight: `${layer}/kernel`, bias: `${layer}/bias` }]
      : [];
  });
  const [first, ...others] = layers;
  const isChain = layers.every(
    ({ inputs }, i) => inputs === (i === 0 ? INCEPTION_FEATURES : layers[i - 1]?.outputs),
  );
  if (first && isChain) return [first, ...others];
  const found = layers.map(({ inputs, outputs }) => `[${inputs}, ${outputs}]`);
  throw new CheckpointError({
    path: source.path,
    problem: `has dense layers ${found.join(', ') || 'none'} where a chain from ${INCEPTION_FEATURES} features is expected`,
    fix: FIX,
  });
}
