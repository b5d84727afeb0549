import { describe, expect, it } from 'vitest';
import { partOf, type Share, shareName, WHOLE } from './share.js';

const ITEMS = [0, 1, 2, 3, 4, 5, 6];

describe('partOf', () => {
  it('gives every item to one share', () => {
    for (const count of [1, 2, 3, 9]) {
      const shares = Array.from({ length: count }, (_, index): Share => ({ index, count }));
      const parts = shares.flatMap((share) => partOf(ITEMS, share));
      expect(parts.toSorted()).toEqual(ITEMS);
    }
    expect(partOf(ITEMS, { index: 1, count: 3 })).toEqual([1, 4]);
    expect(partOf(ITEMS, WHOLE)).toEqual(ITEMS);
  });
});

describe('shareName', () => {
  it('counts from 1', () => {
    expect(shareName({ index: 1, count: 5 })).toBe('2/5');
  });
});
