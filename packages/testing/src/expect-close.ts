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
  const { relative, absolute } = closeness;
  const scale = largest(want.data);
  const limitOf = (e: number): number =>
    absolute === undefined ? relative * scale : absolute + relative * Math.abs(e);
  const { count, worst } = findMisses(got.data, want.data, limitOf);
  if (count === 0) return;
  const rule =
    absolute === undefined
      ? `${relative} * max |e| (max |e| = ${scale})`
      : `${absolute} + ${relative} * |e|`;
  const [a, e] = [got.data[worst] as number, want.data[worst] as number];
  const place = positionOf(worst, want.shape ?? got.shape ?? [want.data.length]).join(', ');
  fail(
    [
      `${count} of ${want.data.length} elements differ by more than |a - e| <= ${rule}`,
      `worst at [${place}]: actual ${a}, expected ${e}`,
      `|a - e| = ${Math.abs(a - e)}, ${Math.abs(a - e) / scale} of max |e|`,
    ].join('\n'),
  );
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
  /** Where the limit is exceeded most. */
  readonly worst: number;
}

function findMisses(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  limitOf: (expected: number) => number,
): Misses {
  let count = 0;
  let worst = 0;
  let worstExcess = 0;
  for (let i = 0; i < expected.length; i++) {
    const e = expected[i] as number;
    const excess = Math.abs((actual[i] as number) - e) - limitOf(e);
    if (excess <= 0) continue;
    count += 1;
    if (excess <= worstExcess || Number.isNaN(worstExcess)) continue;
    worst = i;
    worstExcess = excess;
  }
  return { count, worst };
}

function largest(values: ArrayLike<number>): number {
  let scale = 0;
  for (let i = 0; i < values.length; i++) scale = Math.max(scale, Math.abs(values[i] as number));
  return scale;
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
