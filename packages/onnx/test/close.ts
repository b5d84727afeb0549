import { expect } from 'vitest';

/** Expects equal lengths and every difference within `tolerance` of the largest expected magnitude. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  expect(actual.length).toBe(expected.length);
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(actual[i]), Number(expected[i])];
    if (Object.is(a, b) || a === b) continue;
    difference = Math.max(difference, Math.abs(a - b));
    if (Number.isNaN(a) || Number.isNaN(b)) difference = Number.POSITIVE_INFINITY;
    magnitude = Math.max(magnitude, Math.abs(b));
  }
  const relative = difference === 0 ? 0 : difference / Math.max(magnitude, Number.MIN_VALUE);
  expect(relative).toBeLessThanOrEqual(tolerance);
}
