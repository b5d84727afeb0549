import { createRng } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { createFeatureDistance, type FeaturePairs } from './feature-distance.js';
import type { FeatureSet } from './feature-set.js';
import { type CreateInceptionScoreOptions, createInceptionScore } from './inception-score.js';
import { kernelDistance, kernelDistancesOf } from './kernel-distance.js';
import { createManifold, precisionRecall } from './precision-recall.js';

const set = (values: readonly number[], dimension = 1): FeatureSet => ({
  data: Float64Array.from(values),
  count: values.length / dimension,
  dimension,
});

const normal = (seed: number, count: number, dimension: number): FeatureSet => ({
  data: createRng({ seed }).fillNormal(new Float32Array(count * dimension)),
  count,
  dimension,
});

const batchesOf = ({ data, count, dimension }: FeatureSet, size: number): FeatureSet[] =>
  Array.from({ length: Math.ceil(count / size) }, (_, i) => {
    const part = data.subarray(i * size * dimension, (i + 1) * size * dimension);
    return { data: part, count: part.length / dimension, dimension };
  });

describe('kernelDistance', () => {
  it('draws the same subsets for the same seed, and spreads around 0 for equal distributions', () => {
    const pair = { references: normal(1, 300, 4), features: normal(2, 300, 4) };
    const result = kernelDistance({ ...pair, subsets: 20, subsetSize: 100, seed: 5 });
    expect(kernelDistance({ ...pair, subsets: 20, subsetSize: 100, seed: 5 })).toEqual(result);
    expect(Math.abs(result.mean)).toBeLessThan(3 * result.std);
  });

  it('gives the same values whether products are computed once or for each subset', () => {
    const features = normal(2, 60, 2);
    const few = normal(1, 60, 2);
    const rows = Array.from({ length: 30 }, (_, i) => 2 * i);
    const draws = [{ references: rows, features: rows.map((row) => row + 1) }];
    // The same first rows in a set too large for one table of products.
    const many = { ...few, count: 9000, data: new Float32Array(18_000) };
    many.data.set(few.data);
    const once = kernelDistancesOf({ references: few, features, draws });
    expect(kernelDistancesOf({ references: many, features, draws })).toEqual(once);
  });

  it('refuses fewer images than a subset has', () => {
    const few = normal(1, 10, 2);
    expect(() => kernelDistance({ references: few, features: few })).toThrow('subsetSize is 1000');
  });
});

/** The score of logits that come at once. */
function inceptionScore(
  options: Omit<CreateInceptionScoreOptions, 'count' | 'dimension'> & { logits: FeatureSet },
) {
  const { logits, ...splits } = options;
  const { count, dimension } = logits;
  const score = createInceptionScore({ ...splits, count, dimension });
  score.add(logits);
  return score.result();
}

/** The distance of pairs that come at once. */
function featureDistance(pairs: FeaturePairs) {
  const distance = createFeatureDistance();
  distance.add(pairs);
  return distance.result();
}

describe('createInceptionScore', () => {
  it('is the number of classes for sure and even predictions, 1 for equal ones', () => {
    const sure = set([99, 0, 0, 0, 99, 0, 0, 0, 99], 3);
    expect(inceptionScore({ logits: sure, splits: 1 }).mean).toBeCloseTo(3, 9);
    expect(inceptionScore({ logits: set([1, 2, 1, 2], 2), splits: 1 }).mean).toBeCloseTo(1, 12);
  });

  it('does not hang on the order of classes when it shuffles', () => {
    const logits = set(
      Array.from({ length: 400 }, (_, i) => (i < 200 ? [9, 0] : [0, 9])).flat(),
      2,
    );
    expect(inceptionScore({ logits, splits: 2, shuffle: false }).mean).toBeCloseTo(1, 12);
    expect(inceptionScore({ logits, splits: 2 }).mean).toBeGreaterThan(1.9);
  });

  it('refuses more splits than images', () => {
    expect(() => inceptionScore({ logits: set([1, 2], 2) })).toThrow('splits is 10');
  });

  it.each([1, 7, 50, 101])('is the same of images that come %i at a time', (size) => {
    const logits = normal(3, 101, 5);
    for (const options of [{}, { splits: 7, seed: 4 }, { splits: 3, shuffle: false }]) {
      const score = createInceptionScore({ ...options, count: 101, dimension: 5 });
      for (const batch of batchesOf(logits, size)) score.add(batch);
      expect(score.result()).toEqual(inceptionScore({ logits, ...options }));
    }
  });

  it('is the formula written out', () => {
    const logits = normal(5, 12, 3);
    const rows = batchesOf(logits, 1).map(({ data }) => Array.from(data, Math.exp));
    const p = rows.map((row) => row.map((value) => value / row.reduce((a, b) => a + b)));
    const scores = [p.slice(0, 4), p.slice(4, 8), p.slice(8)].map((part) => {
      const mean = [0, 1, 2].map((y) => part.reduce((sum, row) => sum + Number(row[y]) / 4, 0));
      const kl = part.map((row) =>
        row.reduce((sum, value, y) => sum + value * Math.log(value / Number(mean[y])), 0),
      );
      return Math.exp(kl.reduce((a, b) => a + b) / 4);
    });
    const { values } = inceptionScore({ logits, splits: 3, shuffle: false });
    values.forEach((value, i) => {
      expect(value).toBeCloseTo(Number(scores[i]), 12);
    });
  });

  it('refuses another number of images than was announced, and other classes or extractors', () => {
    const extractor = { name: 'a', hash: '1' };
    const score = createInceptionScore({ count: 3, dimension: 2, splits: 1, extractor });
    score.add(set([1, 2, 3, 4], 2));
    expect(() => score.result()).toThrow('images added is 2; expected the 3 that were announced');
    expect(() => score.add(set([1, 2, 3, 4], 2))).toThrow('images added is 4; expected the 3');
    expect(() => score.add(set([1, 2, 3], 3))).toThrow('dimension is 3; expected 2');
    const other = { name: 'b', hash: '2' };
    expect(() => score.add({ ...set([1, 2], 2), extractor: other })).toThrow('The extractor is');
    expect(score.count).toBe(2);
  });
});

describe('precisionRecall', () => {
  it('counts features in balls of references and the other way', () => {
    const references = set([0, 1, 2, 10]);
    const features = set([0.5, 2.5, 30]);
    // Radii of the references: 1, 1, 1, 8; of the features: 2, 2, 27.5.
    expect(precisionRecall({ references, features, neighbors: 1 })).toEqual({
      precision: 2 / 3,
      recall: 1,
    });
  });

  it('is 1 for equal sets and 0 for distant ones', () => {
    const references = normal(3, 300, 5);
    expect(precisionRecall({ references, features: references })).toEqual({
      precision: 1,
      recall: 1,
    });
    const far = { ...references, data: references.data.map((value) => value + 100) };
    expect(precisionRecall({ references, features: far })).toEqual({ precision: 0, recall: 0 });
  });

  it('takes a manifold that was made once for its references', () => {
    const [references, features] = [normal(3, 300, 5), normal(4, 200, 5)];
    const manifold = createManifold({ features: references, neighbors: 5 });
    expect(precisionRecall({ references: manifold, features })).toEqual(
      precisionRecall({ references, features, neighbors: 5 }),
    );
    expect(() => precisionRecall({ references: manifold, features, neighbors: 3 })).toThrow(
      'expected 5, as the manifold of the references has it',
    );
  });
});

describe('createFeatureDistance', () => {
  it('is the mean distance of the pairs', () => {
    const references = set([3, 4, 0, 5], 2);
    const features = set([0, 0, 0, 4], 2);
    expect(featureDistance({ references, features })).toEqual({
      mean: 3,
      relative: 0.6,
      values: [5, 1],
    });
  });

  it('is the same of pairs that come in batches', () => {
    const pair = { references: normal(1, 23, 4), features: normal(2, 23, 4) };
    const distance = createFeatureDistance();
    const references = batchesOf(pair.references, 5);
    for (const [i, features] of batchesOf(pair.features, 5).entries()) {
      distance.add({ references: references[i] as FeatureSet, features });
    }
    expect(distance.result()).toEqual(featureDistance(pair));
    expect(() => createFeatureDistance().result()).toThrow('pairs is 0');
  });

  it('refuses sets of different sizes', () => {
    expect(() => featureDistance({ references: set([1, 2]), features: set([1]) })).toThrow(
      'expected one image for each reference (references: 2)',
    );
  });
});

describe('every metric of two sets', () => {
  const metrics = {
    kernelDistance: (pair: Pair) => kernelDistance({ ...pair, subsets: 1, subsetSize: 2 }),
    precisionRecall: (pair: Pair) => precisionRecall({ ...pair, neighbors: 1 }),
    featureDistance,
  };
  interface Pair {
    references: FeatureSet;
    features: FeatureSet;
  }
  const good = { ...set([1, 2, 3, 4], 2), extractor: { name: 'a', hash: '1' } };

  it.each(Object.entries(metrics))('%s refuses what cannot be compared', (_, metric) => {
    const compare = (fields: Partial<FeatureSet>) => () =>
      metric({ references: good, features: { ...good, ...fields } });
    expect(compare({ extractor: { name: 'b', hash: '2' } })).toThrow('The extractor is "b, 2"');
    expect(compare({ dimension: 4 })).toThrow('The feature dimension is 4; expected 2');
    expect(compare({ data: good.data.slice(1) })).toThrow('features.data has shape [3]');
    expect(compare({ data: good.data.map(() => Number.NaN) })).toThrow('features is not finite');
    expect(compare({ data: new Float64Array(), count: 0 })).toThrow(/is (0|2|1)\b/);
  });
});
