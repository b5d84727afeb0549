import { expect, it } from 'vitest';
import { betaOfGains, startingBeta } from './beta.js';

const cost = { unit: 'macs', begin: 0, branches: [1, 1], predict: 0, end: 0 } as const;

it('separates the steps that the target lets be predicted from the rest', () => {
  // Mean lambda 2, so gains are lambda / 4; two of five steps predicted give 5 / 3.
  const lambda = [0, 1, 4, 2, 1];
  expect(startingBeta({ lambda, cost, target: 1.6 })).toBe((0.25 + 0.5) / 2);
  expect(startingBeta({ lambda, cost, target: 1.2 })).toBe(0.25);
});

it('is 0 when nothing matters, and the largest gain when all has to go', () => {
  expect(startingBeta({ lambda: [0, 0, 0], cost, target: 2 })).toBe(0);
  expect(startingBeta({ lambda: [0, 1, 3], cost, target: 3 })).toBe(0.75);
});

it('separates the branches that the target lets be predicted from those that are worth more', () => {
  const gains = [
    [9, 9],
    [3, -1],
    [1, 4],
  ];
  // Of six branch calls the two of least gain go for 1.5; row 0 stays, and what harms is worth nothing.
  expect(betaOfGains({ gains, cost, target: 1.5 })).toBe((1 + 3) / 2);
  expect(betaOfGains({ gains, cost, target: 1.1 })).toBe((0 + 1) / 2);
  expect(betaOfGains({ gains, cost, target: 3 })).toBe(4);
  expect(() => betaOfGains({ gains, cost, target: 4 })).toThrow(/at most 3.000/);
});
