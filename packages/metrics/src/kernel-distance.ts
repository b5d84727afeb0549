import {
  assertCount,
  createRng,
  InvalidArgumentError,
  type Rng,
  throwIfAborted,
} from '@harmonica/core';
import { checkFeaturePair, type FeatureSet } from './feature-set.js';
import { addRowProducts } from './row-products.js';

/** What {@link kernelDistance} compares, and how. */
export interface KernelDistanceOptions {
  readonly references: FeatureSet;
  readonly features: FeatureSet;
  /** How many subsets are drawn. Default 100. */
  readonly subsets?: number;
  /** Images of each set in a subset, 2 or more and at most those there are. Default 1000. */
  readonly subsetSize?: number;
  /** Of the draw. Default 0. */
  readonly seed?: number;
  /** Looked at before every subset. */
  readonly signal?: AbortSignal | undefined;
}

/** A kernel distance over subsets. */
export interface KernelDistanceResult {
  /** Mean over the subsets. Unbiased, so it may be slightly negative; lower is closer. */
  readonly mean: number;
  /** Standard deviation over the subsets (divided by their number). */
  readonly std: number;
  /** One value per subset. */
  readonly values: readonly number[];
}

/** Sets of at most this many images together have all their inner products computed once: 512 MiB. */
const MOST_AT_ONCE = 8192;

/**
 * Kernel Inception distance (Bińkowski et al., 2018): the unbiased squared maximum mean discrepancy with the kernel
 * `(x^T y / D + 1)^3`, over random subsets without repetition.
 *
 * @throws {@link IncompatibleError} if dimensions or extractors differ.
 * @throws {@link InvalidArgumentError} if a set has fewer images than a subset, or a setting is out of range.
 * @throws {@link ShapeError} {@link NonFiniteError} {@link AbortedError}
 */
export function kernelDistance(options: KernelDistanceOptions): KernelDistanceResult {
  const { references, features, subsets = 100, subsetSize = 1000, seed = 0, signal } = options;
  assertCount({ argument: 'subsets', value: subsets });
  assertSubsetSize(subsetSize, Math.min(references.count, features.count));
  checkFeaturePair(references, features);
  const rng = createRng({ seed });
  const draws = Array.from({ length: subsets }, () => ({
    references: draw(rng, references.count, subsetSize),
    features: draw(rng, features.count, subsetSize),
  }));
  const values = kernelDistancesOf({ references, features, draws, ...(signal && { signal }) });
  const mean = values.reduce((sum, value) => sum + value, 0) / subsets;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / subsets;
  return { mean, std: Math.sqrt(variance), values };
}

/** Rows of both sets that make one subset; as many of one as of the other. */
export interface SubsetDraw {
  readonly references: readonly number[];
  readonly features: readonly number[];
}

/** The kernel distance of each of the given subsets. @internal */
export function kernelDistancesOf(options: {
  readonly references: FeatureSet;
  readonly features: FeatureSet;
  readonly draws: readonly SubsetDraw[];
  readonly signal?: AbortSignal | undefined;
}): number[] {
  const { references, features, draws, signal } = options;
  const { dimension } = references;
  const products = productsOf(references, features);
  return draws.map((rows) => {
    throwIfAborted(signal, 'The kernel distance');
    return unbiasedDiscrepancy({ rows, products, dimension });
  });
}

/** `2 m` rows, those of the references first, by `2 m` columns, all inner products: `[2 m, 2 m]`. */
type Products = (rows: SubsetDraw) => (i: number, j: number) => number;

/** Inner products computed once for all subsets if memory allows it, else for each. */
function productsOf(references: FeatureSet, features: FeatureSet): Products {
  const { dimension: length } = references;
  const total = references.count + features.count;
  const rowsOf = (rows: SubsetDraw) => [
    ...rows.references,
    ...rows.features.map((row) => row + references.count),
  ];
  if (total <= MOST_AT_ONCE) {
    const x = gather({ references, features, rows: Array.from({ length: total }, (_, i) => i) });
    const all = upperProducts(x, length);
    return (draws) => {
      const rows = rowsOf(draws);
      return (i, j) => {
        const [a, b] = [rows[i] as number, rows[j] as number];
        return all[a < b ? a * total + b : b * total + a] as number;
      };
    };
  }
  return (draws) => {
    const rows = rowsOf(draws);
    const found = upperProducts(gather({ references, features, rows }), length);
    return (i, j) => found[i * rows.length + j] as number;
  };
}

function upperProducts(x: Float64Array, length: number): Float64Array {
  const out = new Float64Array((x.length / length) ** 2);
  return addRowProducts({ x, y: x, length, out, upperOnly: true });
}

/** Rows of both sets one below the other, row `references.count` being the first of the second set. */
function gather(from: {
  readonly references: FeatureSet;
  readonly features: FeatureSet;
  readonly rows: readonly number[];
}): Float64Array {
  const { references, features, rows } = from;
  const { dimension, count } = references;
  const gathered = new Float64Array(rows.length * dimension);
  rows.forEach((row, i) => {
    const [data, start] = row < count ? [references.data, row] : [features.data, row - count];
    gathered.set(data.subarray(start * dimension, (start + 1) * dimension), i * dimension);
  });
  return gathered;
}

/** Bińkowski et al. (2018), Eq. 4: sums over pairs of different images, and all pairs across. */
function unbiasedDiscrepancy(of: {
  readonly rows: SubsetDraw;
  readonly products: Products;
  readonly dimension: number;
}): number {
  const { rows, products, dimension } = of;
  const m = rows.references.length;
  const product = products(rows);
  let within = 0;
  let across = 0;
  for (let i = 0; i < 2 * m; i++) {
    for (let j = i + 1; j < 2 * m; j++) {
      const base = product(i, j) / dimension + 1;
      const kernel = base * base * base;
      if (i < m && j >= m) across += kernel;
      else within += 2 * kernel;
    }
  }
  return within / (m * (m - 1)) - (2 * across) / (m * m);
}

/** `size` different numbers below `count`: the first steps of a Fisher-Yates shuffle. */
function draw(rng: Rng, count: number, size: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = 0; i < size; i++) {
    const j = i + rng.integer(count - i);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order.slice(0, size);
}

function assertSubsetSize(subsetSize: number, most: number): void {
  if (Number.isInteger(subsetSize) && subsetSize >= 2 && subsetSize <= most) return;
  throw new InvalidArgumentError({
    argument: 'subsetSize',
    value: subsetSize,
    expected: `an integer from 2 to the number of images of the smaller set, ${most}`,
    fix: 'Choose a smaller subset, and say which with the result.',
  });
}
