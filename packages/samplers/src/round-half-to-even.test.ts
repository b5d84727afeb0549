import { expect, it } from 'vitest';
import { roundHalfToEven } from './numbers.js';

it('rounds halves to the even neighbour', () => {
  const halves = [-1.5, 0.5, 1.5, 2.5, 3.5, 499.5, 500.5];
  expect(halves.map(roundHalfToEven)).toEqual([-2, 0, 2, 2, 4, 500, 500]);
});

it('rounds everything else to the nearest', () => {
  expect([0, 0.49999999999999994, 0.6, 7.2, 998.9999].map(roundHalfToEven)).toEqual([
    0, 0, 1, 7, 999,
  ]);
});
