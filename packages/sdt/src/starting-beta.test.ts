import { expect, it } from 'vitest';
import { startingBeta } from './starting-beta.js';

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
