import { DisposedError, ShapeError } from '@harmonica/core';
import {
  add,
  avgPool,
  concat,
  dispose,
  div,
  fused,
  image,
  keep,
  matMul,
  maxPool,
  mean,
  relu,
  reshape,
  slice,
  sub,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import type { ExtractedFeatures, FeatureExtractor } from './feature-extractor.js';
import type { ExtractorIdentity } from './feature-set.js';
import type { FoldedConvolution } from './fold-batch-norm.js';
import type { ConvolutionLayer, Layer } from './inception-layers.js';

/** Height and width of the images that Inception v3 takes. */
export const INCEPTION_SIZE = 299;

/** Features of an image after the global average. */
export const INCEPTION_FEATURES = 2048;

/** The block, and how many of its channels, that sFID reads (Nash et al., 2021, arXiv:2103.03841). */
const SPATIAL = { block: 'Mixed_6d', channels: 7, size: 17 };

/** Numbers for each image of the outputs that every Inception v3 has. */
export const INCEPTION_DIMENSIONS = {
  features: INCEPTION_FEATURES,
  spatial: SPATIAL.size ** 2 * SPATIAL.channels,
} as const;

/** A dense layer after the features, `x weight + bias`; between two of them is a ReLU. */
export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  /** Row-major `[inputs, outputs]`. */
  readonly weight: Float32Array;
  /** `[outputs]`. Absent: none is added. */
  readonly bias?: Float32Array;
}

/** Pixels p in [0, 255] become `(p - shift) / scale`, after resizing. */
export interface PixelScaling {
  readonly shift: number;
  readonly scale: number;
}

/** What {@link createInception} needs. */
interface CreateInceptionOptions {
  readonly identity: ExtractorIdentity;
  readonly layers: readonly Layer[];
  /** One for each convolution of `layers`, by name. */
  readonly convolutions: ReadonlyMap<string, FoldedConvolution>;
  /** From the features to the logits; the last layer has one output for each class. */
  readonly classifier: readonly [DenseLayer, ...DenseLayer[]];
  readonly pixels: PixelScaling;
}

/**
 * An Inception v3 that resizes images as TensorFlow 1 does (bilinear, pixel centres not shifted by half) and gives `features`
 * (the global average), `spatial` (for sFID, height, width, channel) and `logits`.
 *
 * @returns an extractor whose weights live on the current TensorFlow.js backend; the caller disposes it
 */
export function createInception(options: CreateInceptionOptions): FeatureExtractor {
  const { identity, layers, classifier, pixels } = options;
  const weights = toTensors(options);
  let disposed = false;
  const network = (images: Tensor4D): ExtractedFeatures => {
    const resized = image.resizeBilinear(images, [INCEPTION_SIZE, INCEPTION_SIZE]);
    let x: Tensor4D = div(sub(resized, pixels.shift), pixels.scale);
    let spatial: Tensor2D | undefined;
    for (const layer of layers) {
      const next = tidy(() => apply(layer, x, weights.convolutions));
      x.dispose();
      x = next;
      if (layer.name === SPATIAL.block) spatial = spatialFeatures(x);
    }
    const features = mean(x, [1, 2]) as Tensor2D;
    return {
      features,
      spatial: spatial as Tensor2D,
      logits: classify(features, weights.classifier),
    };
  };
  return {
    identity,
    imageSize: INCEPTION_SIZE,
    outputs: {
      ...INCEPTION_DIMENSIONS,
      logits: classifier.at(-1)?.outputs as number,
    },
    extract(images) {
      if (disposed) throw new DisposedError(identity.name);
      assertImages(images);
      return tidy(() => network(images) as Record<string, Tensor2D>);
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      for (const { filter, shift } of weights.convolutions.values()) dispose([filter, shift]);
      for (const { weight, bias } of weights.classifier) dispose(bias ? [weight, bias] : [weight]);
    },
  };
}

interface ConvolutionTensors {
  readonly filter: Tensor4D;
  readonly shift: Tensor1D;
}

interface DenseTensors {
  readonly weight: Tensor2D;
  readonly bias: Tensor1D | undefined;
}

function toTensors({ convolutions, classifier }: CreateInceptionOptions) {
  return {
    convolutions: new Map(
      Array.from(convolutions, ([name, { filter, shift, shape }]): [string, ConvolutionTensors] => [
        name,
        { filter: keep(tensor4d(filter, [...shape])), shift: keep(tensor1d(shift)) },
      ]),
    ),
    classifier: classifier.map(
      ({ inputs, outputs, weight, bias }): DenseTensors => ({
        weight: keep(tensor2d(weight, [inputs, outputs])),
        bias: bias && keep(tensor1d(bias)),
      }),
    ),
  };
}

type Convolutions = ReadonlyMap<string, ConvolutionTensors>;

function apply(layer: Layer, x: Tensor4D, weights: Convolutions): Tensor4D {
  switch (layer.kind) {
    case 'convolution':
      return convolve(layer, x, weights);
    case 'average-pool':
      return avgPool(x, 3, layer.stride, layer.stride === 1 ? 'same' : 'valid');
    case 'max-pool':
      return maxPool(x, 3, layer.stride, layer.stride === 1 ? 'same' : 'valid');
    case 'concat':
      return concat(
        layer.branches.map((branch) => branch.reduce((y, part) => apply(part, y, weights), x)),
        3,
      );
  }
}

function convolve({ name, stride, padding }: ConvolutionLayer, x: Tensor4D, weights: Convolutions) {
  const { filter, shift } = weights.get(name) as ConvolutionTensors;
  return fused.conv2d({
    x,
    filter,
    bias: shift,
    strides: stride,
    pad: padding,
    activation: 'relu',
  });
}

/** Of `features`, which stay. */
function classify(features: Tensor2D, layers: readonly DenseTensors[]): Tensor2D {
  return layers.reduce((x, { weight, bias }, i) => {
    const products = matMul<Tensor2D>(i === 0 ? x : relu(x), weight);
    return bias ? add(products, bias) : products;
  }, features);
}

function spatialFeatures(block: Tensor4D): Tensor2D {
  const { size, channels } = SPATIAL;
  const part = slice(block, [0, 0, 0, 0], [-1, size, size, channels]);
  return reshape(part, [block.shape[0], size * size * channels]);
}

function assertImages(images: Tensor4D): void {
  const [, height = 0, width = 0, channels] = images.shape;
  if (images.rank === 4 && height > 0 && width > 0 && channels === 3) return;
  throw new ShapeError({
    tensor: 'images',
    actual: images.shape,
    expected: [null, null, null, 3],
    fix: 'Give RGB images, channels last.',
  });
}
