import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createFeatureStatistics } from './feature-statistics.js';
import { frechetDistance } from './frechet-distance.js';
import { createInceptionScore } from './inception-score.js';
import { kernelDistance, kernelDistancesOf, type SubsetDraw } from './kernel-distance.js';
import { precisionRecall } from './precision-recall.js';

interface StoredCase {
  readonly name: string;
  readonly dimension: number;
  readonly features: readonly number[];
  readonly references: readonly number[];
  readonly fid: { readonly torchFidelity: number; readonly cleanFid: number };
  readonly kid: {
    readonly rows: readonly SubsetDraw[];
    readonly mean: number;
    readonly std: number;
    readonly whole: number;
    readonly wholeCleanFid: number;
  };
  readonly inceptionScore: Readonly<
    Record<string, { inception_score_mean: number; inception_score_std: number }>
  >;
  readonly precisionRecall: Readonly<Record<string, { precision: number; recall: number }>>;
}

/** Made by scripts/make-distribution-fixture.py. */
const { cases } = JSON.parse(
  readFileSync(new URL('./__fixtures__/distribution.json', import.meta.url), 'utf8'),
) as { readonly cases: readonly StoredCase[] };

describe.each(cases)('$name', (stored) => {
  const { dimension, fid, kid } = stored;
  const toSet = (sixtyFourths: readonly number[]) => ({
    data: Float64Array.from(sixtyFourths, (value) => value / 64),
    count: sixtyFourths.length / dimension,
    dimension,
  });
  const features = toSet(stored.features);
  const references = toSet(stored.references);
  const statisticsOf = (set: typeof features) => {
    const accumulator = createFeatureStatistics({ dimension });
    accumulator.add(set);
    return accumulator.result();
  };

  it('has the FID of torch-fidelity and clean-fid to 1e-6', () => {
    const { distance } = frechetDistance({
      references: statisticsOf(references),
      features: statisticsOf(features),
    });
    expect(Math.abs(distance / fid.torchFidelity - 1)).toBeLessThan(1e-6);
    expect(Math.abs(distance / fid.cleanFid - 1)).toBeLessThan(1e-6);
  });

  it('has the KID of torch-fidelity on its subsets to 1e-12', () => {
    const values = kernelDistancesOf({ references, features, draws: kid.rows });
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean - kid.mean)).toBeLessThan(1e-12);
    expect(Math.abs(Math.sqrt(variance) - kid.std)).toBeLessThan(1e-12);
  });

  it('has the KID of both on whole sets to 1e-12, whatever the order drawn', () => {
    const whole = Math.min(features.count, references.count);
    const head = (set: typeof features) => ({
      ...set,
      count: whole,
      data: set.data.slice(0, whole * dimension),
    });
    const { mean, std } = kernelDistance({
      references: head(references),
      features: head(features),
      subsets: 1,
      subsetSize: whole,
      seed: 3,
    });
    expect(Math.abs(mean - kid.whole)).toBeLessThan(1e-12);
    expect(Math.abs(mean - kid.wholeCleanFid)).toBeLessThan(1e-12);
    expect(std).toBe(0);
  });

  it.each(Object.entries(stored.inceptionScore))(
    'has the inception score of torch-fidelity in %s splits to 1e-12',
    (splits, expected) => {
      const { count, dimension } = features;
      const scored = createInceptionScore({
        count,
        dimension,
        splits: Number(splits),
        shuffle: false,
      });
      scored.add(features);
      const score = scored.result();
      expect(Math.abs(score.mean - expected.inception_score_mean)).toBeLessThan(1e-12);
      expect(Math.abs(score.std - expected.inception_score_std)).toBeLessThan(1e-12);
    },
  );

  it.each(Object.entries(stored.precisionRecall))(
    'has the precision and recall of torch-fidelity for %s neighbours',
    (neighbors, expected) => {
      // torch takes the mean of the fractions in float32.
      const { precision, recall } = precisionRecall({
        references,
        features,
        neighbors: Number(neighbors),
      });
      expect(Math.fround(precision)).toBe(Math.fround(expected.precision));
      expect(Math.fround(recall)).toBe(Math.fround(expected.recall));
    },
  );
});
