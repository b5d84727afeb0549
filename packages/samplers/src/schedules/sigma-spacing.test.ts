import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { type SigmaSpacing, spaceSigmas } from './sigma-spacing.js';

const range = { max: 150, min: 0.03, count: 9 };

describe.each<SigmaSpacing>(['karras', 'exponential', 'beta'])('%s', (spacing) => {
  const sigmas = spaceSigmas({ spacing, ...range });

  it('falls from max to min, both exact', () => {
    expect(sigmas).toHaveLength(range.count);
    expect([sigmas[0], sigmas.at(-1)]).toEqual([range.max, range.min]);
    expect(sigmas).toEqual([...sigmas].sort((a, b) => b - a));
    expect(spaceSigmas({ spacing, max: 2, min: 1, count: 1 })).toEqual([2]);
  });
});

it.each<[SigmaSpacing, (sigma: number) => number]>([
  ['karras', (sigma) => sigma ** (1 / 7)],
  ['exponential', Math.log],
])('%s is even after its transform', (spacing, transform) => {
  const places = spaceSigmas({ spacing, ...range }).map(transform);
  const widths = places.slice(1).map((place, i) => place - (places[i] as number));
  for (const width of widths) expect(width).toBeCloseTo(widths[0] as number, 12);
});

it('beta is symmetric and dense at both ends', () => {
  const sigmas = spaceSigmas({ spacing: 'beta', max: 1, min: 0, count: 9 });
  sigmas.forEach((sigma, i) => {
    expect(sigma + (sigmas.at(-1 - i) as number)).toBeCloseTo(1, 12);
  });
  const widths = sigmas.slice(1).map((sigma, i) => (sigmas[i] as number) - sigma);
  expect(widths[0]).toBeLessThan(widths[3] as number);
});

it('refuses an unknown spacing', () => {
  const spacing = 'cosine' as SigmaSpacing;
  expect(() => spaceSigmas({ spacing, ...range })).toThrow(InvalidArgumentError);
});
