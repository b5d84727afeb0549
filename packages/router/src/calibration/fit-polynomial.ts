import { assertArgument, assertCount } from '@harmonica/core';
import { Matrix, QrDecomposition } from 'ml-matrix';

/** A polynomial and how well it describes the points that it was fitted to. */
export interface PolynomialFit {
  /** Highest power first, `degree + 1` of them. */
  readonly coefficients: readonly number[];
  /** Fraction of the variance of y that it explains, at most 1. Below 0 it is worse than the mean of y. */
  readonly rSquared: number;
  /** How many points there were. */
  readonly samples: number;
}

/**
 * The polynomial of least squared error through points, by QR factorisation (as `numpy.polyfit`, without the trouble
 * that normal equations have with high powers). Also reports R squared, without which one cannot tell whether the
 * coefficients mean anything.
 *
 * @param options `x` and `y` of one length; `degree` is an integer of at least 0, default 4 as in TeaCache.
 * @throws {@link InvalidArgumentError} if lengths differ, a number is not finite, or there are not more distinct x than
 * the degree.
 */
export function fitPolynomial(options: {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly degree?: number;
}): PolynomialFit {
  const { x, y, degree = 4 } = options;
  assertCount({ argument: 'degree', value: degree, least: 0 });
  assertArgument(
    { 'x and y': [x.length, y.length] },
    'as many finite numbers in one as in the other',
    x.length === y.length && [...x, ...y].every(Number.isFinite),
  );
  const distinct = new Set(x).size;
  assertArgument(
    { x: `${distinct} distinct numbers` },
    `more than ${degree} for a polynomial of degree ${degree}`,
    distinct > degree,
    'Record more steps or runs, or fit a lower degree.',
  );
  const powers = x.map((value) =>
    Array.from({ length: degree + 1 }, (_, i) => value ** (degree - i)),
  );
  const coefficients = new QrDecomposition(powers).solve(Matrix.columnVector([...y])).to1DArray();
  const mean = sum(y) / y.length;
  const residual = sum(
    x.map((value, i) => ((y[i] as number) - evaluatePolynomial(coefficients, value)) ** 2),
  );
  const total = sum(y.map((value) => (value - mean) ** 2));
  return { coefficients, rSquared: total === 0 ? 1 : 1 - residual / total, samples: x.length };
}

/** The value of a polynomial, highest power first, by Horner's rule. */
export function evaluatePolynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((value, coefficient) => value * x + coefficient, 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
