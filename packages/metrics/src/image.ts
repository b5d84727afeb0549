import {
  assertShape,
  InvalidArgumentError,
  NonFiniteError,
  type PixelArray,
  type PixelImage,
  ShapeError,
} from '@harmonica/core';

/** Two images of one size to hold against each other. The measures here are symmetric. */
export interface ImagePair {
  readonly reference: PixelImage;
  readonly image: PixelImage;
  /**
   * Distance between the smallest and the largest possible sample, such as 1 for samples in [0, 1] and 2 for [-1, 1].
   * Default: 255 for two 8-bit images; floating-point images must state it.
   */
  readonly dataRange?: number;
}

/** An {@link ImagePair} known to be sound, with its data range resolved. @internal */
export interface CheckedPair {
  readonly reference: PixelImage;
  readonly image: PixelImage;
  readonly dataRange: number;
}

/**
 * Checks that a pair can be compared and resolves its data range.
 *
 * @throws {@link ShapeError} if a size is not a positive integer, does not fit the data, or differs between the two.
 * @throws {@link InvalidArgumentError} if the data range is missing or not a positive finite number.
 * @throws {@link NonFiniteError} if a sample is NaN or infinite.
 * @internal
 */
export function checkPair({ reference, image, dataRange }: ImagePair): CheckedPair {
  checkImage('reference', reference);
  checkImage('image', image);
  const fix = 'Compare images of the size of their reference; resize neither.';
  assertShape({ image: { shape: shapeOf(image) } }, shapeOf(reference), fix);
  return { reference, image, dataRange: resolveDataRange({ reference, image, dataRange }) };
}

/**
 * Throws unless an image has as many samples as it says, and all are finite.
 *
 * @throws {@link ShapeError} {@link NonFiniteError}
 * @internal
 */
export function checkImage(name: string, image: PixelImage): void {
  const shape = shapeOf(image);
  if (!shape.every((size) => Number.isInteger(size) && size > 0)) {
    throw new ShapeError({
      tensor: name,
      actual: shape,
      expected: [null, null, null],
      fix: 'Height, width and channels are positive integers.',
    });
  }
  const samples = image.height * image.width * image.channels;
  const fix = 'Give height * width * channels samples, row by row, channels interleaved.';
  assertShape({ [`${name}.data`]: { shape: [image.data.length] } }, [samples], fix);
  if (!isBytes(image.data) && !image.data.every(Number.isFinite)) {
    throw new NonFiniteError({ site: name, fix: 'Look for the first step that made NaN.' });
  }
}

function resolveDataRange(pair: {
  reference: PixelImage;
  image: PixelImage;
  dataRange: number | undefined;
}): number {
  const { reference, image, dataRange } = pair;
  if (dataRange === undefined && isBytes(reference.data) && isBytes(image.data)) return 255;
  if (dataRange === undefined || !Number.isFinite(dataRange) || dataRange <= 0) {
    throw new InvalidArgumentError({
      argument: 'dataRange',
      value: dataRange,
      expected: 'a positive number for floating-point images',
      fix: 'Use 1 for samples in [0, 1] and 2 for samples in [-1, 1].',
    });
  }
  return dataRange;
}

function isBytes(data: PixelArray): data is Uint8Array | Uint8ClampedArray {
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray;
}

function shapeOf({ height, width, channels }: PixelImage): readonly [number, number, number] {
  return [height, width, channels];
}

/** Two sets of images that are compared pair by pair. Sizes may differ from pair to pair, not within one. */
export interface ImageSets {
  /** At least one image. */
  readonly references: readonly PixelImage[];
  /** `images[i]` is compared with `references[i]`. */
  readonly images: readonly PixelImage[];
  /** Distance between the smallest and the largest possible sample; see {@link ImagePair.dataRange}. */
  readonly dataRange?: number;
}

/**
 * The pairs of two sets, in order.
 *
 * @throws {@link InvalidArgumentError} if the sets are empty or of different lengths.
 * @internal
 */
export function pairsOf({ references, images, dataRange }: ImageSets): readonly ImagePair[] {
  if (references.length === 0 || references.length !== images.length) {
    throw new InvalidArgumentError({
      argument: 'images',
      value: images.length,
      expected: `one image for each reference, and at least one (references: ${references.length})`,
      fix: 'Compare the same seeds in the same order.',
    });
  }
  const range = dataRange === undefined ? {} : { dataRange };
  return images.map((image, i) => ({ reference: references[i] as PixelImage, image, ...range }));
}
