import { describe, expect, it } from 'vitest';
import { betaQuantile } from './sigma-spacing.js';

const probabilities = [1e-9, 1e-3, 0.1, 0.25, 0.5, 0.6, 0.9, 0.999];

describe('closed forms, relative 1e-12', () => {
  it.each<[string, number, number, (p: number) => number]>([
    ['uniform', 1, 1, (p) => p],
    ['square root', 2, 1, Math.sqrt],
    ['power', 0.2, 1, (p) => p ** 5],
    ['mirrored power', 1, 3, (p) => -Math.expm1(Math.log1p(-p) / 3)],
    ['arcsine', 0.5, 0.5, (p) => Math.sin((Math.PI * p) / 2) ** 2],
    ['parabola, at its middle', 2, 2, (p) => (p === 0.5 ? 0.5 : Number.NaN)],
  ])('%s', (_, a, b, expected) => {
    for (const probability of probabilities.filter((p) => !Number.isNaN(expected(p)))) {
      const ratio = betaQuantile({ probability, a, b }) / expected(probability);
      expect(Math.abs(ratio - 1)).toBeLessThan(1e-12);
    }
  });
});

it('is symmetric for equal shapes', () => {
  for (const probability of probabilities) {
    const low = betaQuantile({ probability, a: 0.6, b: 0.6 });
    const high = betaQuantile({ probability: 1 - probability, a: 0.6, b: 0.6 });
    expect(low + high).toBeCloseTo(1, 12);
  }
});

it('ends at 0 and 1', () => {
  expect(betaQuantile({ probability: 0, a: 0.6, b: 0.6 })).toBe(0);
  expect(betaQuantile({ probability: 1, a: 0.6, b: 0.6 })).toBe(1);
});
