import { expect, it } from 'vitest';
import { type Progress, trackProgress } from './progress.js';

it('tells of the start, of every part and of the total', () => {
  const seen: Progress[] = [];
  const tracker = trackProgress({ label: 'decoding', total: 5, onProgress: (p) => seen.push(p) });
  tracker.add();
  tracker.add(2);
  tracker.set(5);
  expect(seen.map(({ done }) => done)).toEqual([0, 1, 3, 5]);
  expect(seen.every(({ label, total }) => label === 'decoding' && total === 5)).toBe(true);
});

it('counts for nobody', () => {
  expect(() => trackProgress({ label: 'x', total: 1, onProgress: undefined }).add()).not.toThrow();
});
