import { InvalidArgumentError, type PixelImage } from '@harmonica/core';
import type { ImagePair } from './image.js';

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
