import { createRng, InvalidArgumentError } from '@harmonica/core';
import { checkFeatures, type FeatureSet } from './feature-set.js';

/** What {@link inceptionScore} scores, and how. */
export interface InceptionScoreOptions {
  /** Logits of a classifier, `[count, classes]`. */
  readonly logits: FeatureSet;
  /** Parts that are scored one by one, 1 to the number of images. Default 10. */
  readonly splits?: number;
  /** Shuffles the images before they are split, so that images in the order of their class do no harm. Default true. */
  readonly shuffle?: boolean;
  /** Of the shuffle. Default 0. */
  readonly seed?: number;
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

/**
 * Inception score (Salimans et al., 2016): `exp(E_x KL(p(y | x) || p(y)))` of each split, where `p(y)` is the mean over
 * that split.
 *
 * @throws {@link InvalidArgumentError} if there are fewer images than splits.
 * @throws {@link ShapeError} {@link NonFiniteError}
 */
export function inceptionScore(options: InceptionScoreOptions): InceptionScoreResult {
  const { logits, splits = 10, shuffle = true, seed = 0 } = options;
  checkFeatures('logits', logits);
  const { count } = logits;
  if (!Number.isInteger(splits) || splits < 1 || splits > count) {
    throw new InvalidArgumentError({
      argument: 'splits',
      value: splits,
      expected: `an integer from 1 to the number of images, ${count}`,
    });
  }
  const order = shuffle ? shuffled(count, seed) : Array.from({ length: count }, (_, i) => i);
  const values = Array.from({ length: splits }, (_, i) =>
    scoreOf(
      logits,
      order.slice(Math.floor((i * count) / splits), Math.floor(((i + 1) * count) / splits)),
    ),
  );
  const mean = values.reduce((sum, value) => sum + value, 0) / splits;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / splits;
  return { mean, std: Math.sqrt(variance), values };
}

/** With p summed over the rows, `E KL = E sum_y p log p - sum_y mean(p) log mean(p)`. */
function scoreOf({ data, dimension }: FeatureSet, rows: readonly number[]): number {
  const marginal = new Float64Array(dimension);
  let negativeEntropy = 0;
  for (const row of rows) {
    const logits = Float64Array.from(data.subarray(row * dimension, (row + 1) * dimension));
    const largest = logits.reduce((a, b) => Math.max(a, b));
    const logSum = Math.log(logits.reduce((sum, value) => sum + Math.exp(value - largest), 0));
    logits.forEach((value, y) => {
      const logP = value - largest - logSum;
      const p = Math.exp(logP);
      negativeEntropy += p * logP;
      marginal[y] = (marginal[y] as number) + p / rows.length;
    });
  }
  const marginalTerm = marginal.reduce((sum, p) => (p > 0 ? sum + p * Math.log(p) : sum), 0);
  return Math.exp(negativeEntropy / rows.length - marginalTerm);
}

function shuffled(count: number, seed: number): number[] {
  const rng = createRng({ seed });
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = rng.integer(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
