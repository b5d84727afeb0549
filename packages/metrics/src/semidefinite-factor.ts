import { InvalidArgumentError } from '@harmonica/core';

/** A factor of a positive semidefinite matrix. */
export interface SemidefiniteFactor {
  /** Row-major `[rank, size]`: `R` with `R^T R` the matrix. */
  readonly rows: Float64Array;
  readonly rank: number;
}

/** What {@link semidefiniteFactor} factors. */
export interface SemidefiniteFactorOptions {
  /** For error messages. */
  readonly name: string;
  /** Row-major `[size, size]`, symmetric. Not changed. */
  readonly matrix: Float64Array;
  readonly size: number;
}

/**
 * Cholesky factor with diagonal pivoting (Higham, 2002, Section 10.3), which needs no full rank. It stops when no
 * diagonal element left exceeds `size * 2^-52` times the largest of the matrix: below that a float64 matrix is noise.
 *
 * @throws {@link InvalidArgumentError} if the matrix has a negative eigenvalue beyond rounding.
 * @internal
 */
export function semidefiniteFactor(options: SemidefiniteFactorOptions): SemidefiniteFactor {
  const { name, matrix, size } = options;
  const left = Float64Array.from({ length: size }, (_, i) => matrix[i * (size + 1)] as number);
  const largest = left.reduce((a, b) => Math.max(a, b), 0);
  const tolerance = size * Number.EPSILON * largest;
  const rows = new Float64Array(size * size);
  let rank = 0;
  for (; rank < size; rank++) {
    const pivot = indexOfLargest(left);
    const diagonal = left[pivot] as number;
    if (diagonal <= tolerance) break;
    const row = rows.subarray(rank * size, (rank + 1) * size);
    row.set(matrix.subarray(pivot * size, (pivot + 1) * size));
    subtractEarlier(rows, { row, rank, pivot, size });
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
  if (lowest < -Math.max(tolerance, 1e-8 * largest)) {
    throw new InvalidArgumentError({
      argument: name,
      value: lowest,
      expected: 'a covariance, which has no negative eigenvalue',
      fix: 'The statistics are damaged; compute them again.',
    });
  }
  return { rows: rows.subarray(0, rank * size), rank };
}

/** `row -= sum_l R[l, pivot] R[l, :]` over the rows found so far, four at a time. */
function subtractEarlier(
  rows: Float64Array,
  at: { row: Float64Array; rank: number; pivot: number; size: number },
): void {
  const { row, rank, pivot, size } = at;
  let l = 0;
  for (; l + 4 <= rank; l += 4) {
    const o0 = l * size;
    const [o1, o2, o3] = [o0 + size, o0 + 2 * size, o0 + 3 * size];
    const f0 = rows[o0 + pivot] as number;
    const f1 = rows[o1 + pivot] as number;
    const f2 = rows[o2 + pivot] as number;
    const f3 = rows[o3 + pivot] as number;
    for (let k = 0; k < size; k++) {
      const pair = f0 * (rows[o0 + k] as number) + f1 * (rows[o1 + k] as number);
      const other = f2 * (rows[o2 + k] as number) + f3 * (rows[o3 + k] as number);
      row[k] = (row[k] as number) - (pair + other);
    }
  }
  for (; l < rank; l++) {
    const factor = rows[l * size + pivot] as number;
    for (let k = 0; k < size; k++) {
      row[k] = (row[k] as number) - factor * (rows[l * size + k] as number);
    }
  }
}

function indexOfLargest(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if ((values[i] as number) > (values[best] as number)) best = i;
  }
  return best;
}
