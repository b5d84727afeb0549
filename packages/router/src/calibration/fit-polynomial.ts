import { assertCount, InvalidArgumentError } from '@harmonica/core';

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
  assertPoints({ x, y, degree });
  const powers = Array.from({ length: degree + 1 }, (_, i) =>
    x.map((value) => value ** (degree - i)),
  );
  const coefficients = leastSquares(powers, y);
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

/** Modified Gram-Schmidt, each column orthogonalised twice, which is as accurate as Householder's method. */
function leastSquares(columns: readonly (readonly number[])[], y: readonly number[]): number[] {
  const basis: (readonly number[])[] = [];
  const upper: number[][] = [];
  for (const column of columns) {
    let rest = [...column];
    const row = basis.map(() => 0);
    for (let pass = 0; pass < 2; pass++) {
      for (const [i, q] of basis.entries()) {
        const along = dot(q, rest);
        row[i] = (row[i] as number) + along;
        rest = rest.map((value, n) => value - along * (q[n] as number));
      }
    }
    const length = Math.sqrt(dot(rest, rest));
    upper.push([...row, length]);
    basis.push(rest.map((value) => value / length));
  }
  return solveUpper(upper, projections(basis, y));
}

/** How much of y lies along each vector of an orthonormal basis. */
function projections(basis: readonly (readonly number[])[], y: readonly number[]): number[] {
  let rest = [...y];
  return basis.map((q) => {
    const along = dot(q, rest);
    rest = rest.map((value, n) => value - along * (q[n] as number));
    return along;
  });
}

/** `upper[j]` is column j of the triangular factor, down to its diagonal. */
function solveUpper(upper: readonly (readonly number[])[], right: readonly number[]): number[] {
  const solution = [...right];
  for (let j = upper.length - 1; j >= 0; j--) {
    const column = upper[j] as readonly number[];
    const value = (solution[j] as number) / (column[j] as number);
    for (let i = 0; i < j; i++)
      solution[i] = (solution[i] as number) - value * (column[i] as number);
    solution[j] = value;
  }
  return solution;
}

function assertPoints(points: {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly degree: number;
}): void {
  const { x, y, degree } = points;
  if (x.length !== y.length || ![...x, ...y].every(Number.isFinite)) {
    throw new InvalidArgumentError({
      argument: 'x and y',
      value: [x.length, y.length],
      expected: 'as many finite numbers in one as in the other',
    });
  }
  const distinct = new Set(x).size;
  if (distinct > degree) return;
  throw new InvalidArgumentError({
    argument: 'x',
    value: `${distinct} distinct numbers`,
    expected: `more than ${degree} for a polynomial of degree ${degree}`,
    fix: 'Record more steps or runs, or fit a lower degree.',
  });
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((total, value, i) => total + value * (b[i] as number), 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
