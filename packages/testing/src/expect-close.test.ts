import { AssertionError } from 'node:assert';
import { describe, expect, it } from 'vitest';
import { expectClose } from './expect-close.js';

describe('expectClose', () => {
  it('measures by the largest expected value without an absolute tolerance', () => {
    const expected = [100, 0, -1];
    expectClose([100, 0.0009, -1], expected, { relative: 1e-5 });
    expect(() => expectClose([100, 0.0011, -1], expected, { relative: 1e-5 })).toThrow(
      /1 of 3 elements .*max \|e\| = 100/,
    );
  });

  it('measures element by element with an absolute tolerance', () => {
    const expected = [100, 0, -1];
    const closeness = { relative: 1e-5, absolute: 1e-6 };
    expectClose([100.0009, 0.0000009, -1.00001], expected, closeness);
    expect(() => expectClose([100, 0.0009, -1], expected, closeness)).toThrow(
      '0.000001 + 0.00001 * |e|',
    );
  });

  it('names the worst element by its position in the shape', () => {
    const expected = { shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, 6]) };
    const actual = new Float32Array([1, 2.5, 3, 4, 5, 8]);
    expect(() => expectClose(actual, expected, { relative: 1e-3 })).toThrow(
      /2 of 6 elements[\s\S]*worst at \[1, 2\]: actual 8, expected 6\n\|a - e\| = 2/,
    );
  });

  it('tells a failed comparison from a broken one', () => {
    expect(() => expectClose([1], [2], { relative: 0.1 })).toThrow(AssertionError);
  });

  it('agrees with exact equality at tolerance 0', () => {
    expectClose(new Float64Array([0, -0, 1 / 3]), [0, 0, 1 / 3], { relative: 0 });
    expect(() => expectClose([1 / 3 + 2 ** -54], [1 / 3], { relative: 0 })).toThrow(AssertionError);
  });

  it.each([
    ['actual', [1, Number.NaN, 5], [1, 2, 3]],
    ['expected', [1, 2, 3], [1, Number.NaN, 3]],
    ['both', [1, Number.NaN, 3], [1, Number.NaN, 3]],
  ])('lets NaN in %s agree with nothing', (_, actual, expected) => {
    expect(() => expectClose(actual, expected, { relative: 1 })).toThrow(AssertionError);
  });

  it('points at NaN before any finite difference', () => {
    expect(() => expectClose([9, Number.NaN, 9], [1, 2, 3], { relative: 0.1 })).toThrow(
      'worst at [1]: actual NaN',
    );
  });

  it('compares shapes when both sides have one, and lengths always', () => {
    const data = [1, 2, 3, 4, 5, 6];
    expect(() =>
      expectClose({ shape: [3, 2], data }, { shape: [2, 3], data }, { relative: 1 }),
    ).toThrow('shape is [3, 2], expected [2, 3]');
    expect(() => expectClose([1, 2], [1, 2, 3], { relative: 1 })).toThrow('has 2 elements');
  });
});
