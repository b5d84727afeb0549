import { assertArgument } from '@harmonica/core';
import { checkFeaturePair, type FeatureSet } from './feature-set.js';

/** Two sets that are compared image by image. */
export interface FeaturePairs {
  /** Of the uncached run. */
  readonly references: FeatureSet;
  /** Row i is compared with row i of the references: same seed, same label. */
  readonly features: FeatureSet;
}

/** A mean distance of paired images. */
export interface FeatureDistanceResult {
  /** Mean of the distances of the pairs. 0 if all are equal; lower is closer. */
  readonly mean: number;
  /** Mean distance over the mean norm of the references: free of the extractor's scale. */
  readonly relative: number;
  /** Euclidean distance of each pair. */
  readonly values: readonly number[];
}

/** Takes paired features in, batch by batch, and keeps a number for each pair. */
export interface FeatureDistanceAccumulator {
  /**
   * Takes in more pairs. When it throws, nothing of the batch is taken in.
   *
   * @throws {@link IncompatibleError} if dimensions or extractors differ.
   * @throws {@link InvalidArgumentError} if there is not one image for each reference.
   * @throws {@link ShapeError} {@link NonFiniteError}
   */
  add(pairs: FeaturePairs): void;
  /** Of all pairs so far; more may be added afterwards. @throws {@link InvalidArgumentError} if there are none. */
  result(): FeatureDistanceResult;
}

/**
 * Mean Euclidean distance between the features of paired images: how far caching moves each image, as a network sees it.
 * FID asks whether a set looks right; this asks whether each image is still the same. Pairs come in batches; the result does
 * not depend on how they were split.
 */
export function createFeatureDistance(): FeatureDistanceAccumulator {
  const values: number[] = [];
  let total = 0;
  let norms = 0;
  return {
    add({ references, features }) {
      checkFeaturePair(references, features);
      const { count } = references;
      assertArgument(
        { 'features.count': features.count },
        `one image for each reference (references: ${count})`,
        features.count === count,
        'Compare the same seeds in the same order.',
      );
      for (let row = 0; row < count; row++) {
        const value = norm(references, row, features);
        values.push(value);
        total += value;
        norms += norm(references, row);
      }
    },
    result() {
      const { length } = values;
      assertArgument({ pairs: length }, 'at least one', length > 0);
      const relative = total === 0 ? 0 : total / norms;
      return { mean: total / length, relative, values: [...values] };
    },
  };
}

/** Euclidean norm of a row, or of its difference from the same row of another set. */
function norm({ data, dimension }: FeatureSet, row: number, origin?: FeatureSet): number {
  let squares = 0;
  for (let k = row * dimension; k < (row + 1) * dimension; k++) {
    squares += ((data[k] as number) - (origin?.data[k] ?? 0)) ** 2;
  }
  return Math.sqrt(squares);
}
