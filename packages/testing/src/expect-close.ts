import { AssertionError } from 'node:assert';

/** Values to compare, with their shape if the comparison should include it. */
export type Comparable =
  | ArrayLike<number>
  | { readonly shape: readonly number[]; readonly data: ArrayLike<number> };

/** How far two arrays may lie apart. */
export interface Closeness {
  /** Relative tolerance, such as 1e-5 for one operation or 1e-3 for a whole loop, in float32. */
  readonly relative: number;
  /**
   * Absolute tolerance. With it the comparison is elementwise, `|a - e| <= absolute + relative * |e|`; without it, it is
   * by the scale of the whole array, `|a - e| <= relative * max |e|`.
   */
  readonly absolute?: number;
}

/**
 * Asserts that two arrays agree in every element. Never compares sums or means; NaN agrees with nothing. Shapes are
 * compared when both sides have one.
 *
 * @throws `AssertionError` naming the criterion, how many elements fail it, and the worst of them
 */
export function expectClose(actual: Comparable, expected: Comparable, closeness: Closeness): void {
  const got = described(actual);
  const want = described(expected);
  if (got.shape && want.shape && got.shape.join() !== want.shape.join()) {
    fail(`shape is [${got.shape.join(', ')}], expected [${want.shape.join(', ')}]`);
  }
  if (got.data.length !== want.data.length) {
    fail(`has ${got.data.length} elements, expected ${want.data.length}`);
  }
  const misses = findMisses({ actual: got.data, expected: want.data, closeness });
  if (misses.count === 0) return;
  const shape = want.shape ?? got.shape ?? [want.data.length];
  fail(describeMisses({ misses, actual: got.data, expected: want.data, shape, closeness }));
}

interface Described {
  readonly data: ArrayLike<number>;
  readonly shape?: readonly number[];
}

function described(values: Comparable): Described {
  return 'data' in values ? values : { data: values };
}

interface Misses {
  readonly count: number;
  readonly worst: number;
  readonly scale: number;
}

function findMisses(options: {
  actual: ArrayLike<number>;
  expected: ArrayLike<number>;
  closeness: Closeness;
}): Misses {
  const { actual, expected, closeness } = options;
  const scale = largest(expected);
  let count = 0;
  let worst = 0;
  let worstExcess = 0;
  for (let i = 0; i < expected.length; i++) {
    const limit = limitOf({ expected: expected[i] as number, scale, closeness });
    const excess = Math.abs((actual[i] as number) - (expected[i] as number)) - limit;
    if (excess <= 0) continue;
    count += 1;
    if (excess <= worstExcess || Number.isNaN(worstExcess)) continue;
    worst = i;
    worstExcess = excess;
  }
  return { count, worst, scale };
}

function largest(values: ArrayLike<number>): number {
  let scale = 0;
  for (let i = 0; i < values.length; i++) scale = Math.max(scale, Math.abs(values[i] as number));
  return scale;
}

function limitOf(options: { expected: number; scale: number; closeness: Closeness }): number {
  const { expected, scale, closeness } = options;
  const { relative, absolute } = closeness;
  return absolute === undefined ? relative * scale : absolute + relative * Math.abs(expected);
}

function describeMisses(options: {
  misses: Misses;
  actual: ArrayLike<number>;
  expected: ArrayLike<number>;
  shape: readonly number[];
  closeness: Closeness;
}): string {
  const { misses, actual, expected, shape, closeness } = options;
  const { worst, scale } = misses;
  const a = actual[worst] as number;
  const e = expected[worst] as number;
  const { relative, absolute } = closeness;
  const rule =
    absolute === undefined
      ? `|a - e| <= ${relative} * max |e| (max |e| = ${scale})`
      : `|a - e| <= ${absolute} + ${relative} * |e|`;
  return [
    `${misses.count} of ${expected.length} elements differ by more than ${rule}`,
    `worst at [${positionOf(worst, shape).join(', ')}]: actual ${a}, expected ${e}`,
    `|a - e| = ${Math.abs(a - e)}, ${Math.abs(a - e) / scale} of max |e|`,
  ].join('\n');
}

function positionOf(index: number, shape: readonly number[]): number[] {
  let rest = index;
  return shape
    .toReversed()
    .map((size) => {
      const position = rest % size;
      rest = Math.floor(rest / size);
      return position;
    })
    .reverse();
}

function fail(message: string): never {
  throw new AssertionError({
    message: `Arrays are not close: ${message}`,
    stackStartFn: expectClose,
  });
}
