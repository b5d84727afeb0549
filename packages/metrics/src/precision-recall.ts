import { InvalidArgumentError, throwIfAborted } from '@harmonica/core';
import { checkFeaturePair, type FeatureSet } from './feature-set.js';
import { addRowProducts } from './row-products.js';

/** What {@link precisionRecall} compares, and how. */
export interface PrecisionRecallOptions {
  readonly references: FeatureSet;
  readonly features: FeatureSet;
  /** Which nearest neighbour gives the radius of an image, not counting itself. Default 3. */
  readonly neighbors?: number;
  /** Looked at before every block of images. */
  readonly signal?: AbortSignal;
}

/** Two shares, each from 0 to 1. */
export interface PrecisionRecallResult {
  /** Share of the features that lie in the manifold of the references: quality. */
  readonly precision: number;
  /** Share of the references that lie in the manifold of the features: variety. */
  readonly recall: number;
}

/** Images whose distances to all others are held at a time. */
const BLOCK = 256;

/**
 * Improved precision and recall (Kynkäänniemi et al., 2019, Eqs. 1 and 2). The manifold of a set is the union of the
 * balls around its images that reach to their k-th nearest neighbour in the set. Distances are computed in float64;
 * time grows with the product of the numbers of images.
 *
 * @throws {@link IncompatibleError} if dimensions or extractors differ.
 * @throws {@link InvalidArgumentError} if `neighbors` is not from 1 to one less than the images of the smaller set.
 * @throws {@link ShapeError} {@link NonFiniteError} {@link AbortedError}
 */
export function precisionRecall(options: PrecisionRecallOptions): PrecisionRecallResult {
  const { references, features, neighbors = 3, signal } = options;
  assertNeighbors(neighbors, Math.min(references.count, features.count) - 1);
  checkFeaturePair(references, features);
  const real = toPoints(references);
  const fake = toPoints(features);
  const realRadii = radiiOf(real, neighbors, signal);
  const fakeRadii = radiiOf(fake, neighbors, signal);
  let precise = 0;
  const recalled = new Uint8Array(real.count);
  forEachRow({ from: fake, to: real, signal }, (i, distances) => {
    let inside = false;
    distances.forEach((distance, j) => {
      if (distance <= (realRadii[j] as number)) inside = true;
      if (distance <= (fakeRadii[i] as number)) recalled[j] = 1;
    });
    if (inside) precise += 1;
  });
  const found = recalled.reduce((sum, value) => sum + value, 0);
  return { precision: precise / fake.count, recall: found / real.count };
}

interface Points {
  readonly data: Float64Array;
  readonly count: number;
  readonly dimension: number;
  readonly squares: Float64Array;
}

function toPoints({ data, count, dimension }: FeatureSet): Points {
  const squares = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < dimension; k++) {
      const value = data[i * dimension + k] as number;
      squares[i] = (squares[i] as number) + value * value;
    }
  }
  return { data: Float64Array.from(data), count, dimension, squares };
}

/** Squared distance of each point to its k-th nearest, not counting itself. */
function radiiOf(points: Points, k: number, signal: AbortSignal | undefined): Float64Array {
  const radii = new Float64Array(points.count);
  forEachRow({ from: points, to: points, signal }, (i, distances) => {
    distances[i] = -1;
    radii[i] = distances.slice().sort()[k] as number;
  });
  return radii;
}

/** Hands out the squared distances of each point of `from` to all of `to`; the array is used again. */
function forEachRow(
  sets: { readonly from: Points; readonly to: Points; readonly signal: AbortSignal | undefined },
  visit: (row: number, distances: Float64Array) => void,
): void {
  const { from, to, signal } = sets;
  const { dimension } = from;
  for (let start = 0; start < from.count; start += BLOCK) {
    throwIfAborted(signal, 'Precision and recall');
    const x = from.data.subarray(start * dimension, (start + BLOCK) * dimension);
    const rows = x.length / dimension;
    const out = new Float64Array(rows * to.count);
    addRowProducts({ x, y: to.data, length: dimension, out });
    for (let i = 0; i < rows; i++) {
      const distances = out.subarray(i * to.count, (i + 1) * to.count);
      const square = from.squares[start + i] as number;
      for (let j = 0; j < to.count; j++) {
        distances[j] = square + (to.squares[j] as number) - 2 * (distances[j] as number);
      }
      visit(start + i, distances);
    }
  }
}

function assertNeighbors(neighbors: number, most: number): void {
  if (Number.isInteger(neighbors) && neighbors >= 1 && neighbors <= most) return;
  throw new InvalidArgumentError({
    argument: 'neighbors',
    value: neighbors,
    expected: `an integer from 1 to one less than the images of the smaller set, ${most}`,
  });
}
