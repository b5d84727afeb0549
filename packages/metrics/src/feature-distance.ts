import { InvalidArgumentError } from '@harmonica/core';
import { checkFeaturePair, type FeatureSet } from './feature-set.js';

/** Two sets that are compared image by image. */
export interface FeaturePairs {
  /** Of the uncached run. */
  readonly references: FeatureSet;
  /** Row i is compared with row i of the references: same seed, same label. */
  readonly features: FeatureSet;
}

/** Result of {@link featureDistance}. */
export interface FeatureDistanceResult {
  /** Mean of the distances of the pairs. 0 if all are equal; lower is closer. */
  readonly mean: number;
  /** Mean distance over the mean norm of the references: free of the extractor's scale. */
  readonly relative: number;
  /** Euclidean distance of each pair. */
  readonly values: readonly number[];
}

/**
 * Mean Euclidean distance between the features of paired images: how far caching moves each image, as a network sees it.
 * FID asks whether a set looks right; this asks whether each image is still the same.
 *
 * @throws {@link IncompatibleError} if dimensions or extractors differ.
 * @throws {@link InvalidArgumentError} if there is not one image for each reference.
 * @throws {@link ShapeError} {@link NonFiniteError}
 */
export function featureDistance({ references, features }: FeaturePairs): FeatureDistanceResult {
  checkFeaturePair(references, features);
  const { count } = references;
  if (features.count !== count) {
    throw new InvalidArgumentError({
      argument: 'features.count',
      value: features.count,
      expected: `one image for each reference (references: ${count})`,
      fix: 'Compare the same seeds in the same order.',
    });
  }
  const rows = Array.from({ length: count }, (_, row) => row);
  const values = rows.map((row) => norm(references, row, features));
  const norms = rows.map((row) => norm(references, row));
  const total = sum(values);
  return { mean: total / count, relative: total === 0 ? 0 : total / sum(norms), values };
}

/** Euclidean norm of a row, or of its difference from the same row of another set. */
function norm({ data, dimension }: FeatureSet, row: number, origin?: FeatureSet): number {
  let squares = 0;
  for (let k = row * dimension; k < (row + 1) * dimension; k++) {
    squares += ((data[k] as number) - (origin?.data[k] ?? 0)) ** 2;
  }
  return Math.sqrt(squares);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
