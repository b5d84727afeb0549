import { EngineError } from '@harmonica/core';
import { addScaledRows } from './add-scaled-rows.js';

/** A row-major matrix `[rows, columns]`. */
interface DenseMatrix {
  readonly data: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

/**
 * Singular values of a matrix, largest first, each within about `rows * 2^-52` of the largest one, however small it is.
 *
 * Householder reflections make the matrix bidiagonal (Golub and Kahan, 1965); its singular values are the positive
 * eigenvalues of a tridiagonal matrix with a zero diagonal, found by implicit QL steps. A symmetric eigendecomposition
 * of `A^T A` would lose half the digits.
 *
 * @returns `min(rows, columns)` values
 * @internal
 */
export function singularValues(matrix: DenseMatrix): Float64Array {
  const { data, rows, columns } = matrix.rows >= matrix.columns ? copy(matrix) : transpose(matrix);
  const offDiagonal = bidiagonalize(data, rows, columns);
  const values = tridiagonalEigenvalues(new Float64Array(2 * columns), offDiagonal);
  return values.sort().reverse().slice(0, columns);
}

function copy(matrix: DenseMatrix): DenseMatrix {
  return { ...matrix, data: matrix.data.slice() };
}

function transpose({ data, rows, columns }: DenseMatrix): DenseMatrix {
  const turned = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j] as number;
  }
  return { data: turned, rows: columns, columns: rows };
}

/**
 * Makes `[rows, columns]`, with at least as many rows as columns, upper bidiagonal; `data` is overwritten.
 *
 * @returns diagonal and superdiagonal in turns, `d0 e0 d1 e1 ... d(n-1) 0`
 */
function bidiagonalize(data: Float64Array, rows: number, columns: number): Float64Array {
  const found = new Float64Array(2 * columns);
  const left = new Float64Array(rows);
  const right = new Float64Array(columns);
  const sums = new Float64Array(columns);
  for (let k = 0; k < columns; k++) {
    for (let i = k; i < rows; i++) left[i] = data[i * columns + k] as number;
    found[2 * k] = makeReflection(left, k);
    sums.fill(0);
    const from = k + 1;
    addScaledRows({ target: sums, rows: data, columns, factors: left, first: k, end: rows, from });
    if (k + 1 === columns) break;
    const factor = left[k] as number;
    for (let j = k + 1; j < columns; j++) {
      right[j] = (data[k * columns + j] as number) - factor * (sums[j] as number);
    }
    found[2 * k + 1] = makeReflection(right, k + 1);
    reflectRows({ data, rows, columns, from, left, sums, right });
  }
  return found;
}

interface Panel {
  readonly data: Float64Array;
  readonly rows: number;
  readonly columns: number;
  /** The first row and column that are worked on. */
  readonly from: number;
  /** The reflection from the left, by row. */
  readonly left: Float64Array;
  /** `left^T data`, by column. */
  readonly sums: Float64Array;
  /** The reflection from the right, by column. */
  readonly right: Float64Array;
}

/** Applies both reflections to what is left: `data -= left sums^T`, then `data -= (data right) right^T`. */
function reflectRows({ data, rows, columns, from, left, sums, right }: Panel): void {
  let i = from;
  for (; i + 2 <= rows; i += 2) {
    const o0 = i * columns;
    const o1 = o0 + columns;
    const f0 = left[i] as number;
    const f1 = left[i + 1] as number;
    let [dot0, dot1] = [0, 0];
    for (let j = from; j < columns; j++) {
      const sum = sums[j] as number;
      const weight = right[j] as number;
      const v0 = (data[o0 + j] as number) - f0 * sum;
      const v1 = (data[o1 + j] as number) - f1 * sum;
      data[o0 + j] = v0;
      data[o1 + j] = v1;
      dot0 += v0 * weight;
      dot1 += v1 * weight;
    }
    for (let j = from; j < columns; j++) {
      const weight = right[j] as number;
      data[o0 + j] = (data[o0 + j] as number) - dot0 * weight;
      data[o1 + j] = (data[o1 + j] as number) - dot1 * weight;
    }
  }
  for (; i < rows; i++) {
    const row = data.subarray(i * columns, (i + 1) * columns);
    const factor = left[i] as number;
    let dot = 0;
    for (let j = from; j < columns; j++) {
      row[j] = (row[j] as number) - factor * (sums[j] as number);
      dot += (row[j] as number) * (right[j] as number);
    }
    for (let j = from; j < columns; j++) row[j] = (row[j] as number) - dot * (right[j] as number);
  }
}

/**
 * Turns `x[from...]` into `v` of the reflection `I - v v^T` that maps it onto its first axis.
 *
 * @returns the length along that axis, with its sign
 */
function makeReflection(x: Float64Array, from: number): number {
  const norm = normFrom(x, from);
  if (norm === 0) return 0;
  const first = x[from] as number;
  const target = first > 0 ? -norm : norm;
  const scale = 1 / Math.sqrt(norm * (norm + Math.abs(first)));
  x[from] = first - target;
  for (let i = from; i < x.length; i++) x[i] = (x[i] as number) * scale;
  return target;
}

/** Euclidean norm of `x[from...]`, scaled so that no square overflows or vanishes. */
function normFrom(x: Float64Array, from: number): number {
  const tail = x.subarray(from);
  const largest = tail.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0) return 0;
  return largest * Math.sqrt(tail.reduce((sum, value) => sum + (value / largest) ** 2, 0));
}

/**
 * Eigenvalues of a symmetric tridiagonal matrix by implicit QL steps with Wilkinson's shift (Dubrulle, Martin and
 * Wilkinson, 1968). Both arrays are overwritten.
 *
 * @param diagonal `[n]`
 * @param offDiagonal `[n]`; the last element is not used
 * @returns `diagonal`, the eigenvalues in no order
 */
function tridiagonalEigenvalues(diagonal: Float64Array, offDiagonal: Float64Array): Float64Array {
  const n = diagonal.length;
  const largest = offDiagonal.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const negligible = Number.EPSILON * largest;
  for (let l = 0; l < n; l++) {
    for (let round = 0; ; round++) {
      const m = endOfBlock(offDiagonal, l, negligible);
      if (m === l) break;
      if (round === 60) {
        throw new EngineError({
          engine: '@harmonica/metrics',
          operation: 'the eigenvalues of a tridiagonal matrix',
          fix: 'Check that the covariances are finite.',
        });
      }
      implicitStep(diagonal, offDiagonal, l, m);
    }
  }
  return diagonal;
}

/** The last row of the block that starts at `l`: no element beyond it is coupled to it. */
function endOfBlock(offDiagonal: Float64Array, l: number, negligible: number): number {
  let m = l;
  while (m < offDiagonal.length - 1 && Math.abs(offDiagonal[m] as number) > negligible) m += 1;
  return m;
}

/** One QL step on rows `l` to `m`: a chain of plane rotations from the bottom up. */
function implicitStep(d: Float64Array, e: Float64Array, l: number, m: number): void {
  const coupling = e[l] as number;
  const half = ((d[l + 1] as number) - (d[l] as number)) / (2 * coupling);
  const shift = coupling / (half + Math.sign(half || 1) * Math.hypot(half, 1));
  let g = (d[m] as number) - (d[l] as number) + shift;
  let [sine, cosine, carried] = [1, 1, 0];
  for (let i = m - 1; i >= l; i--) {
    const f = sine * (e[i] as number);
    const b = cosine * (e[i] as number);
    const r = Math.sqrt(f * f + g * g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] = (d[i + 1] as number) - carried;
      e[m] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    const rest = (d[i + 1] as number) - carried;
    const turned = ((d[i] as number) - rest) * sine + 2 * cosine * b;
    carried = sine * turned;
    d[i + 1] = rest + carried;
    g = cosine * turned - b;
  }
  d[l] = (d[l] as number) - carried;
  e[l] = g;
  e[m] = 0;
}
