import { expect, it } from 'vitest';
import { linspace } from './numbers.js';

it('includes both ends', () => {
  expect(linspace({ start: 0, stop: 3, count: 4 })).toEqual([0, 1, 2, 3]);
  expect(linspace({ start: 2, stop: -2, count: 3 })).toEqual([2, 0, -2]);
});

it('ends on stop to the last bit', () => {
  expect(linspace({ start: 0, stop: 0.1, count: 8 }).at(-1)).toBe(0.1);
});

it('is start alone for one number', () => {
  expect(linspace({ start: 5, stop: 9, count: 1 })).toEqual([5]);
});
