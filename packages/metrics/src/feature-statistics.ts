import { assertArgument, assertCount } from '@harmonica/core';
import {
  checkComparable,
  checkFeatures,
  type ExtractorIdentity,
  type FeatureSet,
} from './feature-set.js';
import { addRowProducts } from './row-products.js';

/** Mean and covariance of the features of a set of images: all that a Fréchet distance needs of it. */
export interface FeatureStatistics {
  /** Features of an image, D. */
  readonly dimension: number;
  /** `[D]`. */
  readonly mean: Float64Array;
  /** Row-major `[D, D]`, unbiased (divided by `count - 1`). */
  readonly covariance: Float64Array;
  /** Images. Absent if read from a file that does not say. */
  readonly count?: number;
  /** Absent if read from a file that does not say. */
  readonly extractor?: ExtractorIdentity;
  /** What the numbers were rounded to when they were made. Default `'float64'`. */
  readonly precision?: 'float32' | 'float64';
}

/** Takes features in, batch by batch, and keeps only their mean and covariance. */
export interface StatisticsAccumulator {
  /** Images taken in so far. */
  readonly count: number;
  /**
   * Takes in more images.
   *
   * @throws {@link IncompatibleError} if they have another dimension or extractor.
   * @throws {@link NonFiniteError} if a feature is NaN or infinite; nothing of the batch is taken in then.
   */
  add(features: FeatureSet): void;
  /**
   * Mean and covariance of all images so far; more may be added afterwards.
   *
   * @throws {@link InvalidArgumentError} for fewer than two images.
   */
  result(): FeatureStatistics;
}

/** What {@link createFeatureStatistics} needs. */
export interface FeatureStatisticsOptions {
  /** Features of an image, D. */
  readonly dimension: number;
  /** Stands in the result; features of another one are refused. */
  readonly extractor?: ExtractorIdentity;
}

/** Images that are taken in at a time. */
const BLOCK = 127;

/**
 * Streaming mean and covariance in float64, by merging blocks (Chan, Golub and LeVeque, 1979): two sets of n and m
 * images whose means differ by d have the scatter matrix `M = M1 + M2 + (n m / (n + m)) d d^T`.
 *
 * Memory is one `[D, D]` matrix and a block of 127 images, whatever their number. The result differs by
 * rounding only from that of all features at once, and not at all by how they were split into batches.
 *
 * @throws {@link InvalidArgumentError} if the dimension is not a positive integer.
 */
export function createFeatureStatistics(options: FeatureStatisticsOptions): StatisticsAccumulator {
  const { dimension, extractor } = options;
  assertCount({ argument: 'dimension', value: dimension });
  const known = extractor === undefined ? {} : { extractor };
  const state: ScatterState = {
    dimension,
    merged: 0,
    mean: new Float64Array(dimension),
    scatter: new Float64Array(dimension * dimension),
  };
  // Transposed, [D, BLOCK + 1]: the last column holds the distance of the means.
  const block = new Float64Array(dimension * (BLOCK + 1));
  let waiting = 0;

  return {
    get count() {
      return state.merged + waiting;
    },
    add(features) {
      checkComparable({ dimension, ...known }, features);
      checkFeatures('features', features);
      for (let row = 0; row < features.count; row++) {
        for (let k = 0; k < dimension; k++) {
          block[k * (BLOCK + 1) + waiting] = features.data[row * dimension + k] as number;
        }
        waiting += 1;
        if (waiting < BLOCK) continue;
        mergeBlock(state, block, waiting);
        waiting = 0;
      }
    },
    result() {
      const count = state.merged + waiting;
      const fix = 'Add the features of the images first.';
      assertArgument({ count }, 'two images or more', count >= 2, fix);
      // What waits is merged into a copy, so that later blocks are cut as if nobody had asked.
      const total = { ...state, mean: state.mean.slice(), scatter: state.scatter.slice() };
      mergeBlock(total, block.slice(), waiting);
      const covariance = mirrorScaled(total.scatter, dimension, 1 / (count - 1));
      return { dimension, mean: total.mean, covariance, count, ...known };
    },
  };
}

interface ScatterState {
  readonly dimension: number;
  merged: number;
  readonly mean: Float64Array;
  /** Upper triangle of the sum of outer products of centred features. */
  readonly scatter: Float64Array;
}

/** Merges the first `added` columns of a block, which is overwritten. */
function mergeBlock(state: ScatterState, block: Float64Array, added: number): void {
  if (added === 0) return;
  const { dimension, merged, mean, scatter } = state;
  const stride = BLOCK + 1;
  const total = merged + added;
  const weight = Math.sqrt((merged * added) / total);
  for (let k = 0; k < dimension; k++) {
    const column = block.subarray(k * stride, (k + 1) * stride);
    const blockMean = column.subarray(0, added).reduce((sum, value) => sum + value, 0) / added;
    const distance = blockMean - (mean[k] as number);
    for (let i = 0; i < added; i++) column[i] = (column[i] as number) - blockMean;
    column.fill(0, added);
    column[BLOCK] = weight * distance;
    mean[k] = (mean[k] as number) + (distance * added) / total;
  }
  addRowProducts({ x: block, y: block, length: stride, out: scatter, upperOnly: true });
  state.merged = total;
}

/** A whole symmetric matrix from its upper triangle, times a factor; in place. */
function mirrorScaled(matrix: Float64Array, size: number, factor: number): Float64Array {
  for (let i = 0; i < size; i++) {
    for (let j = i; j < size; j++) {
      const value = (matrix[i * size + j] as number) * factor;
      matrix[i * size + j] = value;
      matrix[j * size + i] = value;
    }
  }
  return matrix;
}
