import { createRng } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { createFeatureStatistics } from './feature-statistics.js';

const dimension = 7;
const count = 401;
const data = createRng({ seed: 1 })
  .fillNormal(new Float32Array(count * dimension))
  .map((value, i) => 1000 + value * (1 + (i % dimension)));

function inBatches(size: number) {
  const accumulator = createFeatureStatistics({ dimension });
  for (let from = 0; from < count; from += size) {
    const part = data.subarray(from * dimension, Math.min(count, from + size) * dimension);
    accumulator.add({ data: part, count: part.length / dimension, dimension });
  }
  return accumulator;
}

/** The textbook's two passes. */
function twoPasses() {
  const column = (k: number) =>
    Array.from({ length: count }, (_, i) => Number(data[i * dimension + k]));
  const columns = Array.from({ length: dimension }, (_, k) => column(k));
  const mean = columns.map((values) => values.reduce((a, b) => a + b) / count);
  const centred = columns.map((values, k) => values.map((value) => value - Number(mean[k])));
  const covariance = centred.flatMap((x) =>
    centred.map((y) => x.reduce((sum, value, i) => sum + value * Number(y[i]), 0) / (count - 1)),
  );
  return { mean, covariance };
}

describe('createFeatureStatistics', () => {
  it('agrees with two passes to 1e-12 far from zero', () => {
    const { mean, covariance } = inBatches(50).result();
    const expected = twoPasses();
    const error = (a: Float64Array, b: readonly number[]) =>
      Math.max(...a.map((value, i) => Math.abs(value - Number(b[i]))));
    expect(error(mean, expected.mean) / 1000).toBeLessThan(1e-12);
    expect(error(covariance, expected.covariance) / 49).toBeLessThan(1e-12);
  });

  it('does not depend on how images come in, nor on being asked in between', () => {
    const whole = inBatches(count).result();
    expect(inBatches(1).result()).toEqual(whole);
    const asked = createFeatureStatistics({ dimension });
    for (let i = 0; i < count; i++) {
      asked.add({ data: data.subarray(i * 7, i * 7 + 7), count: 1, dimension });
      if (i > 1 && i % 90 === 0) asked.result();
    }
    expect(asked.result()).toEqual(whole);
  });

  it('takes in nothing of a batch that is not finite or of another extractor', () => {
    const extractor = { name: 'a', hash: '1' };
    const accumulator = createFeatureStatistics({ dimension: 1, extractor });
    const add = (values: number[], hash: string) =>
      accumulator.add({
        data: Float32Array.from(values),
        count: values.length,
        dimension: 1,
        extractor: { name: 'b', hash },
      });
    expect(() => add([1, Number.NaN], '1')).toThrow('not finite');
    expect(() => add([1, 2], '2')).toThrow('The extractor is "b, 2"; expected "a, 1"');
    add([1], '1');
    expect(accumulator.count).toBe(1);
    expect(() => accumulator.result()).toThrow('expected two images or more');
  });
});
