import { assertArgument } from '@harmonica/core';
import { addScaledRows } from './add-scaled-rows.js';

/** A factor of a positive semidefinite matrix. */
export interface SemidefiniteFactor {
  /** Row-major `[rank, size]`: `R` with `R^T R` the matrix. */
  readonly rows: Float64Array;
  readonly rank: number;
}

/** What {@link semidefiniteFactor} factors. */
interface SemidefiniteFactorOptions {
  /** For error messages. */
  readonly name: string;
  /** Row-major `[size, size]`, symmetric. Not changed. */
  readonly matrix: Float64Array;
  readonly size: number;
  /** What its elements are rounded to. Default `'float64'`. */
  readonly precision?: 'float32' | 'float64' | undefined;
}

/**
 * Cholesky factor with diagonal pivoting (Higham, 2002, Section 10.3), which needs no full rank. It stops when no
 * diagonal element left exceeds `size * 2^-52` times the largest of the matrix: below that a float64 matrix is noise. Of a
 * matrix of float32 it is `2^-21` times, 4 units in the last place: rounding errors that are divided by less would grow.
 *
 * @throws {@link InvalidArgumentError} if the matrix has a negative eigenvalue beyond rounding.
 * @internal
 */
export function semidefiniteFactor(options: SemidefiniteFactorOptions): SemidefiniteFactor {
  const { name, matrix, size, precision = 'float64' } = options;
  const left = Float64Array.from({ length: size }, (_, i) => matrix[i * (size + 1)] as number);
  const largest = left.reduce((a, b) => Math.max(a, b), 0);
  const isDouble = precision === 'float64';
  const tolerance = (isDouble ? size * Number.EPSILON : 2 ** -21) * largest;
  const rows = new Float64Array(size * size);
  const factors = new Float64Array(size);
  let rank = 0;
  for (; rank < size; rank++) {
    const pivot = indexOfLargest(left);
    const diagonal = left[pivot] as number;
    if (diagonal <= tolerance) break;
    const row = rows.subarray(rank * size, (rank + 1) * size);
    row.set(matrix.subarray(pivot * size, (pivot + 1) * size));
    for (let l = 0; l < rank; l++) factors[l] = -(rows[l * size + pivot] as number);
    addScaledRows({ target: row, rows, columns: size, factors, first: 0, end: rank });
    const scale = 1 / Math.sqrt(diagonal);
    for (let k = 0; k < size; k++) {
      const value = left[k] === -Infinity ? 0 : (row[k] as number) * scale;
      row[k] = value;
      left[k] = (left[k] as number) - value * value;
    }
    row[pivot] = Math.sqrt(diagonal);
    left[pivot] = -Infinity;
  }
  const lowest = left.reduce((low, value) => (value === -Infinity ? low : Math.min(low, value)), 0);
  assertArgument(
    { [name]: lowest },
    'a covariance, which has no negative eigenvalue',
    lowest >= -Math.max(tolerance, (isDouble ? 1e-8 : 1e-4) * largest),
    'The statistics are damaged; compute them again.',
  );
  return { rows: rows.subarray(0, rank * size), rank };
}

function indexOfLargest(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if ((values[i] as number) > (values[best] as number)) best = i;
  }
  return best;
}
