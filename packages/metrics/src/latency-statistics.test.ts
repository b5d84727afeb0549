import { InvalidArgumentError, NonFiniteError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { summarize } from './latency-statistics.js';

describe('summarize', () => {
  it('interpolates quantiles between order statistics', () => {
    const summary = summarize([40, 10, 30, 20]);
    expect(summary).toMatchObject({ count: 4, median: 25, mean: 25, min: 10, max: 40 });
    expect(summary.p90).toBeCloseTo(37, 12);
    expect(summary.spread).toBeCloseTo((32.5 - 17.5) / 25, 12);
  });

  it('takes a single sample', () => {
    expect(summarize([7])).toEqual({
      count: 1,
      median: 7,
      mean: 7,
      p90: 7,
      min: 7,
      max: 7,
      spread: 0,
    });
  });

  it('does not reorder its input', () => {
    const samples = [3, 1, 2];
    summarize(samples);
    expect(samples).toEqual([3, 1, 2]);
  });

  it('refuses nothing, NaN, infinity, 0 and negative times', () => {
    expect(() => summarize([])).toThrow(InvalidArgumentError);
    expect(() => summarize([1, Number.NaN])).toThrow(NonFiniteError);
    expect(() => summarize([1, Infinity])).toThrow(NonFiniteError);
    expect(() => summarize([1, 0])).toThrow(InvalidArgumentError);
    expect(() => summarize([1, -1])).toThrow(InvalidArgumentError);
  });
});
