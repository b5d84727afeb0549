import { createRng } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import type { FeatureStatistics } from './feature-statistics.js';
import { createFeatureStatistics } from './feature-statistics.js';
import { assertStatistics, frechetDistance, traceOfRoot } from './frechet-distance.js';

/** `Q diag(values) Q^T` for a random product of reflections Q. */
function withEigenvalues(values: readonly number[], seed = 1): Float64Array {
  const size = values.length;
  const matrix = new Float64Array(size * size);
  values.forEach((value, i) => {
    matrix[i * (size + 1)] = value;
  });
  const rng = createRng({ seed });
  for (let round = 0; round < 3; round++) {
    const v = Float64Array.from(rng.fillNormal(new Float32Array(size)));
    const scale = 2 / v.reduce((sum, value) => sum + value * value, 0);
    for (const [along, across] of [
      [1, size],
      [size, 1],
    ] as const) {
      for (let i = 0; i < size; i++) {
        const at = (k: number) => i * across + k * along;
        const dot = v.reduce((sum, value, k) => sum + value * Number(matrix[at(k)]), 0);
        v.forEach((value, k) => {
          matrix[at(k)] = Number(matrix[at(k)]) - scale * dot * value;
        });
      }
    }
  }
  return matrix;
}

const geometric = (size: number, condition: number) =>
  Array.from({ length: size }, (_, i) => condition ** (-i / (size - 1)));
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe('traceOfRoot', () => {
  it.each([1e2, 1e4, 1e6])('is within 1e-9 for commuting matrices of condition %d', (condition) => {
    const a = geometric(40, condition);
    const b = geometric(40, condition)
      .reverse()
      .map((value) => 3 * value);
    const expected = sum(a.map((value, i) => Math.sqrt(value * Number(b[i]))));
    const found = traceOfRoot({ s1: withEigenvalues(a), s2: withEigenvalues(b), dimension: 40 });
    expect(Math.abs(found / expected - 1)).toBeLessThan(1e-9);
  });

  it('is within 1e-9 of the trace for equal matrices of condition 1e6', () => {
    const values = geometric(30, 1e6);
    const s = withEigenvalues(values);
    const found = traceOfRoot({ s1: s, s2: s, dimension: 30 });
    expect(Math.abs(found / sum(values) - 1)).toBeLessThan(1e-9);
  });

  it('needs no full rank', () => {
    const values = geometric(30, 100).map((value, i) => (i < 11 ? value : 0));
    const s = withEigenvalues(values);
    const found = traceOfRoot({ s1: s, s2: s, dimension: 30 });
    expect(Math.abs(found / sum(values) - 1)).toBeLessThan(1e-9);
    expect(traceOfRoot({ s1: s, s2: new Float64Array(900), dimension: 30 })).toBe(0);
  });

  it('refuses what is no covariance', () => {
    const s1 = withEigenvalues([1, 0.5, -0.1]);
    expect(() => traceOfRoot({ s1, s2: s1, dimension: 3 })).toThrow('no negative eigenvalue');
  });
});

describe('frechetDistance', () => {
  const statistics = (fields: Partial<FeatureStatistics> = {}): FeatureStatistics => ({
    dimension: 2,
    mean: Float64Array.of(0, 0),
    covariance: Float64Array.of(4, 0, 0, 9),
    ...fields,
  });

  it('is what the formula says for diagonal covariances', () => {
    const other = statistics({
      mean: Float64Array.of(3, 4),
      covariance: Float64Array.of(1, 0, 0, 1),
    });
    const result = frechetDistance({ references: statistics(), features: other });
    expect(result.meanTerm).toBe(25);
    expect(result.covarianceTerm).toBeCloseTo(1 + 4, 12);
    expect(result.distance).toBeCloseTo(30, 12);
  });

  it('is 0 for equal statistics, and symmetric', () => {
    const random = (seed: number) => {
      const accumulator = createFeatureStatistics({ dimension: 9 });
      const data = createRng({ seed }).fillNormal(new Float32Array(900));
      accumulator.add({ data, count: 100, dimension: 9 });
      return accumulator.result();
    };
    const [a, b] = [random(1), random(2)];
    expect(Math.abs(frechetDistance({ references: a, features: a }).distance)).toBeLessThan(1e-12);
    const there = frechetDistance({ references: a, features: b }).distance;
    const back = frechetDistance({ references: b, features: a }).distance;
    expect(Math.abs(there - back)).toBeLessThan(1e-12);
  });

  it('takes covariances that were computed in float32, singular or not, near what float64 gives', () => {
    const random = (seed: number, count: number) => {
      const accumulator = createFeatureStatistics({ dimension: 60 });
      const data = createRng({ seed }).fillNormal(new Float32Array(60 * count));
      accumulator.add({ data, count, dimension: 60 });
      const { count: _, ...unknown } = accumulator.result();
      return unknown;
    };
    const rounded = (statistics: FeatureStatistics): FeatureStatistics => ({
      ...statistics,
      covariance: statistics.covariance.map(Math.fround),
      precision: 'float32',
    });
    for (const count of [30, 60, 600]) {
      const [references, features] = [random(1, count), random(2, 400)];
      const exact = frechetDistance({ references, features }).distance;
      const single = frechetDistance({ references: rounded(references), features }).distance;
      expect(Math.abs(single / exact - 1)).toBeLessThan(1e-4);
    }
    const unknown = { ...rounded(random(1, 30)), precision: 'float64' } as const;
    expect(() => frechetDistance({ references: unknown, features: unknown })).toThrow(/eigenvalue/);
    const indefinite = withEigenvalues([1, 0.5, -1e-3]).map(Math.fround);
    const broken = { dimension: 3, mean: new Float64Array(3), covariance: indefinite };
    const references: FeatureStatistics = { ...broken, precision: 'float32' };
    expect(() => frechetDistance({ references, features: references })).toThrow(/eigenvalue/);
  });

  it.each<[string, Partial<FeatureStatistics>, string]>([
    ['another dimension', { dimension: 3 }, 'The feature dimension is 3; expected 2'],
    ['another extractor', { extractor: { name: 'b', hash: '2' } }, 'The extractor is "b, 2"'],
  ])('refuses %s', (_, fields, message) => {
    const references = statistics({ extractor: { name: 'a', hash: '1' } });
    const features = statistics(fields);
    expect(() => frechetDistance({ references, features })).toThrow(message);
  });

  it.each<[string, Partial<FeatureStatistics>, string]>([
    ['too few images', { count: 1 }, 'features.count is 1; expected as many images'],
    ['NaN', { mean: Float64Array.of(0, Number.NaN) }, 'features.mean is not finite'],
    ['a covariance of another size', { covariance: Float64Array.of(1) }, 'has shape [1]'],
    ['a negative variance', { covariance: Float64Array.of(1, 0, 0, -1) }, 'variances of at least'],
    ['an asymmetric covariance', { covariance: Float64Array.of(1, 1, 0, 1) }, 'symmetric'],
  ])('refuses %s, as assertStatistics does before', (_, fields, message) => {
    const features = statistics(fields);
    expect(() => frechetDistance({ references: statistics(), features })).toThrow(message);
    expect(() => assertStatistics('features', features)).toThrow(message);
    expect(() => assertStatistics('references', statistics())).not.toThrow();
  });
});
