/** Largest relative error over two arrays; a zero must be met exactly. Infinity if they differ in length or hold NaN. */
export function relativeError(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  const errors = actual.map((value, i) => {
    const difference = Math.abs(value - (expected[i] as number));
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    return difference === 0 ? 0 : difference / Math.abs(expected[i] as number);
  });
  return Math.max(0, ...errors);
}
