import { assertCount, IncompatibleError, NonFiniteError, ShapeError } from '@harmonica/core';

/** Which network, with which weights, made features. Features of different extractors are never compared. */
export interface ExtractorIdentity {
  /** For readers, such as `Inception 2015-12-05 (TensorFlow)`. It stands beside every result. */
  readonly name: string;
  /** SHA-256 of the weights and of the preprocessing, in hex. It decides. */
  readonly hash: string;
}

/** Feature vectors of a set of images. */
export interface FeatureSet {
  /** Row-major `[count, dimension]`. */
  readonly data: Float32Array | Float64Array;
  /** Images. */
  readonly count: number;
  /** Features of an image. */
  readonly dimension: number;
  /** Absent if unknown; then only the dimension is checked. */
  readonly extractor?: ExtractorIdentity;
}

/**
 * Throws unless a set is not empty, has as many numbers as it says, and all are finite.
 *
 * @throws {@link InvalidArgumentError} {@link ShapeError} {@link NonFiniteError}
 * @internal
 */
export function checkFeatures(name: string, features: FeatureSet): void {
  const { data, count, dimension } = features;
  assertCount({ argument: `${name}.count`, value: count });
  assertCount({ argument: `${name}.dimension`, value: dimension });
  if (data.length !== count * dimension) {
    throw new ShapeError({
      tensor: `${name}.data`,
      actual: [data.length],
      expected: [count * dimension],
      fix: 'Give count * dimension numbers, image by image.',
    });
  }
  if (!data.every(Number.isFinite)) {
    throw new NonFiniteError({ site: name, fix: 'Look for images that are NaN.' });
  }
}

/** What two things must share to be compared. */
interface Comparable {
  readonly dimension: number;
  readonly extractor?: ExtractorIdentity;
}

/**
 * Throws {@link IncompatibleError} unless both have the same dimension and, where both say so, the same extractor.
 *
 * @internal
 */
export function checkComparable(reference: Comparable, other: Comparable): void {
  const expected = reference.extractor;
  const actual = other.extractor;
  if (expected && actual && expected.hash !== actual.hash) {
    throw new IncompatibleError({
      what: 'The extractor',
      actual: describe(actual),
      expected: describe(expected),
      fix: 'Extract both sets with the same network and weights.',
    });
  }
  if (reference.dimension !== other.dimension) {
    throw new IncompatibleError({
      what: 'The feature dimension',
      actual: other.dimension,
      expected: reference.dimension,
      fix: 'Compare the same output of the same extractor.',
    });
  }
}

/** Both sets, checked one by one and against each other. @internal */
export function checkFeaturePair(references: FeatureSet, features: FeatureSet): void {
  checkComparable(references, features);
  checkFeatures('references', references);
  checkFeatures('features', features);
}

function describe({ name, hash }: ExtractorIdentity): string {
  return `${name}, ${hash.slice(0, 12)}`;
}
