/** What {@link addRowProducts} works on. */
interface RowProductsOptions {
  /** Row-major `[m, length]`. */
  readonly x: Float64Array;
  /** Row-major `[n, length]`. */
  readonly y: Float64Array;
  readonly length: number;
  /** Row-major `[m, n]`; the products are added to it. */
  readonly out: Float64Array;
  /** Leave out tiles that lie below the diagonal. Default false. */
  readonly upperOnly?: boolean;
}

/** Columns worked on at a time: four rows of them fit a first-level cache. */
const PANEL = 512;

/** Rows of `y` worked on at a time: their panels fit a second-level cache. */
const STRIP = 64;

/**
 * Adds the inner product of every row of `x` with every row of `y`: `out[i, j] += sum_k x[i, k] y[j, k]`, in float64.
 *
 * @returns `out`
 * @internal
 */
export function addRowProducts(options: RowProductsOptions): Float64Array {
  const { x, y, length, out, upperOnly = false } = options;
  const m = x.length / length;
  const n = y.length / length;
  for (let from = 0; from < length; from += PANEL) {
    const width = Math.min(PANEL, length - from);
    for (let strip = 0; strip < n; strip += STRIP) {
      const end = Math.min(n, strip + STRIP);
      for (let i = 0; i < m; i += 4) {
        const rows = Math.min(4, m - i);
        for (let j = upperOnly ? Math.max(strip, i & ~1) : strip; j < end; j += 2) {
          if (rows === 4 && j + 1 < n) addTile({ x, y, length, out, n, i, j, from, width });
          else addEdge({ x, y, length, out, n, i, j, from, width, rows });
        }
      }
    }
  }
  return out;
}

interface Tile {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly length: number;
  readonly out: Float64Array;
  readonly n: number;
  readonly i: number;
  readonly j: number;
  readonly from: number;
  readonly width: number;
}

/** Four rows by two: eight sums in registers for six loads. */
function addTile({ x, y, length, out, n, i, j, from, width }: Tile): void {
  let [a0, a1, a2, a3, b0, b1, b2, b3] = [0, 0, 0, 0, 0, 0, 0, 0];
  let p = i * length + from;
  let q = j * length + from;
  for (const end = p + width; p < end; p++, q++) {
    const u = y[q] as number;
    const v = y[q + length] as number;
    const x0 = x[p] as number;
    const x1 = x[p + length] as number;
    const x2 = x[p + 2 * length] as number;
    const x3 = x[p + 3 * length] as number;
    a0 += x0 * u;
    b0 += x0 * v;
    a1 += x1 * u;
    b1 += x1 * v;
    a2 += x2 * u;
    b2 += x2 * v;
    a3 += x3 * u;
    b3 += x3 * v;
  }
  const sums = [a0, b0, a1, b1, a2, b2, a3, b3];
  for (let s = 0; s < 8; s++) addAt(out, (i + (s >> 1)) * n + j + (s & 1), sums[s] as number);
}

/** What is left at the right and lower edge. */
function addEdge({ x, y, length, out, n, i, j, from, width, rows }: Tile & { rows: number }): void {
  for (let row = i; row < i + rows; row++) {
    for (let column = j; column < Math.min(j + 2, n); column++) {
      let sum = 0;
      for (let k = from; k < from + width; k++) {
        sum += (x[row * length + k] as number) * (y[column * length + k] as number);
      }
      addAt(out, row * n + column, sum);
    }
  }
}

function addAt(target: Float64Array, index: number, value: number): void {
  target[index] = (target[index] as number) + value;
}
