import { expect, it } from 'vitest';
import { formatDuration } from './terminal-style.js';

it.each([
  [0, '0.0 s'],
  [4211, '4.2 s'],
  [9949, '9.9 s'],
  [9950, '10 s'],
  [59_499, '59 s'],
  [59_500, '1:00'],
  [187_000, '3:07'],
  [3_787_000, '1:03:07'],
])('writes %d ms as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
