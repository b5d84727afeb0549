import { assertArgument, assertCount, createRng } from '@harmonica/core';
import {
  checkComparable,
  checkFeatures,
  type ExtractorIdentity,
  type FeatureSet,
} from './feature-set.js';

/** What {@link createInceptionScore} needs. */
export interface CreateInceptionScoreOptions {
  /** Parts that are scored one by one, 1 to the number of images. Default 10. */
  readonly splits?: number;
  /** Shuffles the images before they are split, so that images in the order of their class do no harm. Default true. */
  readonly shuffle?: boolean;
  /** Of the shuffle. Default 0. */
  readonly seed?: number;
  /** Images that will be added, which is what decides where they are split. */
  readonly count: number;
  /** Classes. */
  readonly dimension: number;
  /** Logits of another one are refused. */
  readonly extractor?: ExtractorIdentity;
}

/** An inception score over splits. */
export interface InceptionScoreResult {
  /** Mean over the splits, from 1 to the number of classes; higher is better. */
  readonly mean: number;
  /** Standard deviation over the splits (divided by their number). */
  readonly std: number;
  /** One score per split. */
  readonly values: readonly number[];
}

/** Takes logits in, batch by batch, and keeps only what the score of each split needs. */
export interface InceptionScoreAccumulator {
  /** Images taken in so far. */
  readonly count: number;
  /**
   * Takes in the next images.
   *
   * @throws {@link InvalidArgumentError} if they are more than were announced.
   * @throws {@link IncompatibleError} if they have other classes or another extractor.
   * @throws {@link NonFiniteError} if a logit is NaN or infinite; nothing of the batch is taken in then.
   */
  add(logits: FeatureSet): void;
  /** @throws {@link InvalidArgumentError} unless all images that were announced were added. */
  result(): InceptionScoreResult;
}

/**
 * Inception score (Salimans et al., 2016): `exp(E_x KL(p(y | x) || p(y)))` of each split, where `p(y)` is the mean over
 * that split. Images come in batches: memory is one distribution for each split and a number for each image, and the result
 * does not depend on how images were split into batches.
 *
 * @throws {@link InvalidArgumentError} if a number is no positive integer, or there are fewer images than splits.
 */
export function createInceptionScore(
  options: CreateInceptionScoreOptions,
): InceptionScoreAccumulator {
  const { count, dimension, extractor, splits = 10, shuffle = true, seed = 0 } = options;
  assertCount({ argument: 'count', value: count });
  assertCount({ argument: 'dimension', value: dimension });
  assertSplits(splits, count);
  const splitOf = splitsOfImages({ count, splits, seed: shuffle ? seed : undefined });
  const parts = Array.from({ length: splits }, (_, i) => ({
    size: firstOf(i + 1, count, splits) - firstOf(i, count, splits),
    negativeEntropy: 0,
    marginal: new Float64Array(dimension),
  }));
  let added = 0;
  return {
    get count() {
      return added;
    },
    add(logits) {
      checkComparable({ dimension, ...(extractor && { extractor }) }, logits);
      checkFeatures('logits', logits);
      assertTotal(added + logits.count <= count, added + logits.count, count);
      for (let row = 0; row < logits.count; row++) {
        const values = logits.data.subarray(row * dimension, (row + 1) * dimension);
        addImage(parts[splitOf[added + row] as number] as ScorePart, values);
      }
      added += logits.count;
    },
    result() {
      assertTotal(added === count, added, count);
      const values = parts.map(scoreOf);
      const mean = values.reduce((sum, value) => sum + value, 0) / splits;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / splits;
      return { mean, std: Math.sqrt(variance), values };
    },
  };
}

/** Sums over the images of a split. */
interface ScorePart {
  /** Images it will have. */
  readonly size: number;
  /** Of `sum_y p log p`. */
  negativeEntropy: number;
  /** Of `p / size`. */
  readonly marginal: Float64Array;
}

function addImage(part: ScorePart, values: Float32Array | Float64Array): void {
  const logits = Float64Array.from(values);
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const logSum = Math.log(logits.reduce((sum, value) => sum + Math.exp(value - largest), 0));
  const { marginal, size } = part;
  logits.forEach((value, y) => {
    const logP = value - largest - logSum;
    const p = Math.exp(logP);
    part.negativeEntropy += p * logP;
    marginal[y] = (marginal[y] as number) + p / size;
  });
}

/** `E KL = E sum_y p log p - sum_y mean(p) log mean(p)`. */
function scoreOf({ size, negativeEntropy, marginal }: ScorePart): number {
  const marginalTerm = marginal.reduce((sum, p) => (p > 0 ? sum + p * Math.log(p) : sum), 0);
  return Math.exp(negativeEntropy / size - marginalTerm);
}

/** Where split `i` begins. */
function firstOf(i: number, count: number, splits: number): number {
  return Math.floor((i * count) / splits);
}

/** The split of each image; without a seed they are cut in the order in which they come. */
function splitsOfImages(options: {
  readonly count: number;
  readonly splits: number;
  readonly seed: number | undefined;
}): Uint32Array {
  const { count, splits, seed } = options;
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  if (seed !== undefined) shuffle(order, seed);
  const splitOf = new Uint32Array(count);
  for (let i = 0; i < splits; i++) {
    const own = order.subarray(firstOf(i, count, splits), firstOf(i + 1, count, splits));
    for (const image of own) splitOf[image] = i;
  }
  return splitOf;
}

function shuffle(order: Uint32Array, seed: number): void {
  const rng = createRng({ seed });
  for (let i = order.length - 1; i > 0; i--) {
    const j = rng.integer(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
}

function assertSplits(splits: number, count: number): void {
  const isSound = Number.isInteger(splits) && splits >= 1 && splits <= count;
  assertArgument({ splits }, `an integer from 1 to the number of images, ${count}`, isSound);
}

function assertTotal(holds: boolean, value: number, count: number): void {
  const expected = `the ${count} that were announced: they decide where images are split`;
  assertArgument({ 'images added': value }, expected, holds);
}
