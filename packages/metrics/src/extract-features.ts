import { assertArgument, assertShape, type PixelImage, throwIfAborted } from '@harmonica/core';
import { dispose, type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import type { ExtractedFeatures, FeatureExtractor } from './feature-extractor.js';
import { checkComparable, checkFeatures, type FeatureSet } from './feature-set.js';
import { checkImage } from './image.js';

/** Features of some images, by output of the extractor. */
export type FeatureSets = Readonly<Record<string, FeatureSet>>;

/** How many images have been through the extractor. */
export interface ExtractFeaturesProgress {
  readonly images: number;
}

/** What {@link extractFeatures} needs. */
export interface ExtractFeaturesOptions {
  readonly extractor: FeatureExtractor;
  /** Batches of RGB images of one size, samples in [0, 255]. An iterable is asked for the next when one is done. */
  readonly images: Iterable<readonly PixelImage[]> | AsyncIterable<readonly PixelImage[]>;
  /**
   * Runs the extractor, such as `compileFunction(extractor.extract)` of `@harmonica/onnx`. Default: op by op on the
   * current TensorFlow.js backend.
   */
  readonly run?: (images: Tensor4D) => ExtractedFeatures | Promise<ExtractedFeatures>;
  /** Which of the extractor's outputs are wanted. Default: all. */
  readonly outputs?: readonly string[];
  /** Called after each batch. */
  readonly onProgress?: (progress: ExtractFeaturesProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The features of a set of images, batch by batch: memory is one batch, whatever their number. Give each to
 * `createFeatureStatistics`, or all to {@link collectFeatures}.
 *
 * @throws {@link InvalidArgumentError} if there is no image, a sample is outside [0, 255] or an output is unknown
 * @throws {@link ShapeError} if an image is not RGB or not of the size of the first
 * @throws {@link NonFiniteError} if a sample or a feature is NaN or infinite
 * @throws {@link AbortedError}
 */
export async function* extractFeatures(
  options: ExtractFeaturesOptions,
): AsyncGenerator<FeatureSets, void, undefined> {
  const { images, onProgress, signal } = options;
  const outputs = wantedOutputs(options);
  let size: ImageSize | undefined;
  let count = 0;
  for await (const batch of images) {
    throwIfAborted(signal, 'Extracting features');
    if (batch[0] === undefined) continue;
    size ??= batch[0];
    const features = await featuresOf({ options, outputs, input: toTensor(batch, size, count) });
    count += batch.length;
    onProgress?.({ images: count });
    yield features;
  }
  assertArgument({ images: 0 }, 'at least one image', count > 0);
}

/**
 * The features of all batches as one set for each output, for what needs every image at once.
 *
 * @throws {@link InvalidArgumentError} if there are no batches
 * @throws {@link IncompatibleError} if they are of several extractors
 */
export async function collectFeatures(
  batches: Iterable<FeatureSets> | AsyncIterable<FeatureSets>,
): Promise<FeatureSets> {
  const all: FeatureSets[] = [];
  for await (const batch of batches) all.push(batch);
  const [first] = all;
  assertArgument({ batches: 0 }, 'at least one', first);
  return Object.fromEntries(
    Object.keys(first).map((output) => [output, joined(all.map((batch) => batch[output]))]),
  );
}

type ImageSize = Pick<PixelImage, 'height' | 'width'>;

interface WantedOutput {
  readonly name: string;
  readonly dimension: number;
}

function wantedOutputs({ extractor, outputs }: ExtractFeaturesOptions): readonly WantedOutput[] {
  const known = Object.keys(extractor.outputs);
  const names = outputs ?? known;
  const unknown = names.find((name) => !known.includes(name));
  const isSound = names.length > 0 && unknown === undefined;
  assertArgument({ outputs: names }, `one or more of ${known.join(', ')}`, isSound);
  return names.map((name) => ({ name, dimension: extractor.outputs[name] as number }));
}

/** @param offset number of images before the batch, for error messages */
function toTensor(
  batch: readonly PixelImage[],
  { height, width }: ImageSize,
  offset: number,
): Tensor4D {
  const values = new Float32Array(batch.length * height * width * 3);
  for (const [i, image] of batch.entries()) {
    const name = `images[${offset + i}]`;
    checkImage(name, image);
    const shape = [image.height, image.width, image.channels];
    const fix = 'Give RGB images of one size: resizing some and not others changes the distance.';
    assertShape({ [name]: { shape } }, [height, width, 3], fix);
    assertRange(name, image);
    values.set(image.data, i * height * width * 3);
  }
  return tensor4d(values, [batch.length, height, width, 3]);
}

function assertRange(name: string, { data }: PixelImage): void {
  const outside = data.find((value) => value < 0 || value > 255);
  const fix = 'Scale and clip samples of another range.';
  assertArgument({ [name]: outside }, 'samples in [0, 255]', outside === undefined, fix);
}

interface FeaturesOfOptions {
  readonly options: ExtractFeaturesOptions;
  readonly outputs: readonly WantedOutput[];
  /** Disposed. */
  readonly input: Tensor4D;
}

async function featuresOf({ options, outputs, input }: FeaturesOfOptions): Promise<FeatureSets> {
  const { extractor, run = extractor.extract } = options;
  const [count] = input.shape;
  let results: ExtractedFeatures = {};
  try {
    results = await run(input);
    const sets: Record<string, FeatureSet> = {};
    for (const { name, dimension } of outputs) {
      const result = results[name];
      assertResult({ name, actual: result?.shape ?? [], expected: [count, dimension] });
      const data = (await result?.data()) as Float32Array;
      sets[name] = { data, count, dimension, extractor: extractor.identity };
      checkFeatures(name, sets[name]);
    }
    return sets;
  } finally {
    input.dispose();
    dispose(results);
  }
}

function assertResult(result: {
  readonly name: string;
  readonly actual: readonly number[];
  readonly expected: readonly number[];
}): void {
  const { name, actual, expected } = result;
  assertShape({ [name]: { shape: actual } }, expected, 'Let run return what the extractor does.');
}

/** Sets of one output, joined. */
function joined(sets: readonly (FeatureSet | undefined)[]): FeatureSet {
  const parts = sets.map((set) => set ?? { data: new Float32Array(0), count: 0, dimension: 0 });
  const [first] = parts as [FeatureSet];
  for (const part of parts) checkComparable(first, part);
  const { dimension, extractor } = first;
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const data = new Float32Array(count * dimension);
  let start = 0;
  for (const part of parts) {
    data.set(part.data, start);
    start += part.data.length;
  }
  return { data, count, dimension, ...(extractor && { extractor }) };
}
