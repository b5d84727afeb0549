import { assertArgument, throwIfAborted } from '@harmonica/core';
import { checkFeaturePair, checkFeatures, type FeatureSet } from './feature-set.js';
import { addRowProducts } from './row-products.js';

/** What {@link precisionRecall} compares, and how. */
export interface PrecisionRecallOptions {
  /** As a manifold if several sets are compared with it, so that its radii are found once. */
  readonly references: FeatureSet | Manifold;
  readonly features: FeatureSet;
  /** Which nearest neighbour gives the radius of an image, not counting itself. Default that of the manifold, else 3. */
  readonly neighbors?: number;
  /** Looked at before every block of images. */
  readonly signal?: AbortSignal | undefined;
}

/** Balls around the features of images: plain data, to be kept if wanted. */
export interface Manifold {
  readonly features: FeatureSet;
  /** Which nearest neighbour the radii reach to. */
  readonly neighbors: number;
  /** Squared radius of the ball around each image. */
  readonly squaredRadii: Float64Array;
}

/** Two fractions, each from 0 to 1. */
export interface PrecisionRecallResult {
  /** Fraction of the features that lie in the manifold of the references: quality. */
  readonly precision: number;
  /** Fraction of the references that lie in the manifold of the features: variety. */
  readonly recall: number;
}

/** Images whose distances to all others are held at a time. */
const BLOCK = 256;

/** As in the paper. */
const NEIGHBORS = 3;

/** Options of {@link createManifold}. */
export interface CreateManifoldOptions
  extends Pick<PrecisionRecallOptions, 'neighbors' | 'signal'> {
  readonly features: FeatureSet;
}

/**
 * The manifold of a set (Kynkäänniemi et al., 2019, Eq. 1): the union of the balls around its images that reach to their
 * k-th nearest neighbour in the set. Time grows with the square of the number of images.
 *
 * @throws {@link InvalidArgumentError} if `neighbors` is not from 1 to one less than the images.
 * @throws {@link ShapeError} {@link NonFiniteError} {@link AbortedError}
 */
export function createManifold(options: CreateManifoldOptions): Manifold {
  const { features, neighbors = NEIGHBORS, signal } = options;
  assertNeighbors(neighbors, features.count - 1);
  checkFeatures('features', features);
  return { features, neighbors, squaredRadii: radiiOf(toPoints(features), neighbors, signal) };
}

/**
 * Improved precision and recall (Kynkäänniemi et al., 2019, Eqs. 1 and 2), of the manifolds of two sets
 * ({@link createManifold}). Distances are computed in float64; time grows with the product of the numbers of images.
 *
 * @throws {@link IncompatibleError} if dimensions or extractors differ.
 * @throws {@link InvalidArgumentError} if `neighbors` is not from 1 to one less than the images of the smaller set, or
 * not that of the manifold.
 * @throws {@link ShapeError} {@link NonFiniteError} {@link AbortedError}
 */
export function precisionRecall(options: PrecisionRecallOptions): PrecisionRecallResult {
  const { references, features, signal } = options;
  const known = 'squaredRadii' in references ? references : undefined;
  const set = known?.features ?? (references as FeatureSet);
  const { neighbors = known?.neighbors ?? NEIGHBORS } = options;
  assertNeighbors(neighbors, Math.min(set.count, features.count) - 1);
  if (known) assertSameNeighbors(neighbors, known);
  checkFeaturePair(set, features);
  const real = toPoints(set);
  const fake = toPoints(features);
  const realRadii = known?.squaredRadii ?? radiiOf(real, neighbors, signal);
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
  const expected = `an integer from 1 to one less than the images of the smaller set, ${most}`;
  const isSound = Number.isInteger(neighbors) && neighbors >= 1 && neighbors <= most;
  assertArgument({ neighbors }, expected, isSound);
}

function assertSameNeighbors(neighbors: number, manifold: Manifold): void {
  const expected = `${manifold.neighbors}, as the manifold of the references has it`;
  assertArgument({ neighbors }, expected, neighbors === manifold.neighbors);
}
