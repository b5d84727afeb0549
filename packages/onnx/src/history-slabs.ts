import { assertArgument, type BranchAction } from '@harmonica/core';
import type { HistoryLayout } from './backbone-graphs.js';
import { sameShape, sizeOf } from './graph.js';
import type { OrtRuntime, OrtTensor } from './ort.js';
import type { PooledTensor } from './tensor-pool.js';

/**
 * Rows of one slab: a quadratic predictor reads three while a fourth is written. A row that is never used costs no
 * memory, because the system hands out pages when they are first written.
 */
const ROWS = 4;

interface Slab {
  /** Of a row. */
  readonly shape: readonly number[];
  readonly values: Float32Array;
  readonly rows: readonly Row[];
  /** The first row and the number of rows to the matrix over them. */
  readonly matrices: Map<string, OrtTensor>;
}

interface Row extends PooledTensor {
  readonly slab: Slab;
  readonly index: number;
  /** Whether the row may hold what nobody uses any more. */
  stale: boolean;
}

/** Consecutive rows of a slab, as a matrix `[rows, size]`. */
interface RowMatrix {
  readonly matrix: OrtTensor;
  readonly count: number;
  /** The place in the matrix of each of the given tensors. */
  readonly places: readonly number[];
}

/**
 * Memory for the cached outputs of branches. The outputs of one branch lie side by side, so that their weighted sum is
 * one product of a row with a matrix: one pass over memory.
 */
export class HistorySlabs {
  readonly #runtime: OrtRuntime;
  readonly #slabs = new Map<number, Slab[]>();

  constructor(runtime: OrtRuntime) {
    this.#runtime = runtime;
  }

  /** A row for an output of the branch, with one user; undefined if all are in use. */
  acquire(branch: number, shape: readonly number[]): PooledTensor | undefined {
    const slabs = this.#slabs.get(branch) ?? [];
    const slab =
      slabs.find((known) => sameShape(known.shape, shape)) ?? this.#create(branch, shape);
    const row = slab.rows.find(({ users }) => users === 0);
    if (!row) return undefined;
    row.users = 1;
    row.stale = false;
    return row;
  }

  /** Lets go of a tensor; false if it is none of the rows here. */
  release(pooled: PooledTensor): boolean {
    if (!isRow(pooled)) return false;
    pooled.users -= 1;
    if (pooled.users === 0) pooled.stale = true;
    return true;
  }

  /** The smallest matrix that holds all of the tensors, or undefined if they do not lie in one slab. */
  matrixOf(tensors: readonly PooledTensor[]): RowMatrix | undefined {
    if (!tensors.every(isRow)) return undefined;
    const rows = tensors as readonly Row[];
    const slab = rows[0]?.slab;
    if (!slab || rows.some((row) => row.slab !== slab)) return undefined;
    const first = Math.min(...rows.map(({ index }) => index));
    const count = Math.max(...rows.map(({ index }) => index)) - first + 1;
    clearStale(slab, first, count);
    const matrix = this.#matrix(slab, first, count);
    return { matrix, count, places: rows.map(({ index }) => index - first) };
  }

  clear(): void {
    this.#slabs.clear();
  }

  /** Slabs of the branch for other batch sizes go, unless they are in use. */
  #create(branch: number, shape: readonly number[]): Slab {
    const size = sizeOf(shape);
    const rows: Row[] = [];
    const slab = { shape, values: new Float32Array(ROWS * size), rows, matrices: new Map() };
    for (let index = 0; index < ROWS; index++) {
      const values = slab.values.subarray(index * size, (index + 1) * size);
      const tensor = new this.#runtime.Tensor('float32', values, [...shape]);
      rows.push({ tensor, shape, dtype: 'float32', users: 0, slab, index, stale: false });
    }
    const others = this.#slabs.get(branch) ?? [];
    const used = others.filter((other) => other.rows.some(({ users }) => users > 0));
    this.#slabs.set(branch, [...used, slab]);
    return slab;
  }

  #matrix({ shape, values, matrices }: Slab, first: number, count: number): OrtTensor {
    const key = `${first}+${count}`;
    const known = matrices.get(key);
    if (known) return known;
    const size = sizeOf(shape);
    const rows = values.subarray(first * size, (first + count) * size);
    const matrix = new this.#runtime.Tensor('float32', rows, [count, size]);
    matrices.set(key, matrix);
    return matrix;
  }
}

function isRow(pooled: PooledTensor): pooled is Row {
  return 'slab' in pooled;
}

/** Rows that take part with a factor of 0 must not hold NaN or infinity. */
function clearStale({ rows }: Slab, first: number, count: number): void {
  for (const row of rows.slice(first, first + count)) {
    if (!row.stale) continue;
    (row.tensor.data as Float32Array).fill(0);
    row.stale = false;
  }
}

/** Tensors to feed, by input name. */
export type Feeds = Readonly<Record<string, OrtTensor>>;

/** The earlier outputs that an action reads, ready to be fed. */
export interface HistoryFeeds {
  readonly layout: HistoryLayout;
  /** The inputs of branch `k` of a run, its coefficients multiplied by `factor`. */
  feeds(k: number, factor: number): Feeds;
}

interface HistoryFeedsOptions {
  readonly action: BranchAction;
  /** The earlier outputs, in the order of its history. */
  readonly tensors: readonly PooledTensor[];
  readonly slabs: HistorySlabs;
  readonly runtime: OrtRuntime;
}

/**
 * Finds the earlier outputs of an action: as one matrix if they lie side by side, else one by one.
 *
 * @throws {@link InvalidArgumentError} without history
 */
export function historyFeeds(options: HistoryFeedsOptions): HistoryFeeds {
  const { action, tensors, slabs, runtime } = options;
  const { coefficients, branch } = action;
  assertArgument(
    { 'action.history': tensors },
    `at least one earlier output of branch ${branch}, because its score is below 1`,
    tensors.length > 0,
    'Compute every branch at step 0.',
  );
  const rows = tensors.length > 1 ? slabs.matrixOf(tensors) : undefined;
  if (!rows) {
    const feeds = (k: number, factor: number): Feeds => ({
      [`rate.${k}`]: rowOf(
        runtime,
        tensors.map((_, j) => coefficients[j] ?? 0),
        factor,
      ),
      ...Object.fromEntries(tensors.map(({ tensor }, j) => [`history.${k}.${j}`, tensor])),
    });
    return { layout: { kind: 'tensors', count: tensors.length }, feeds };
  }
  const { matrix, count, places } = rows;
  const rates = new Array<number>(count).fill(0);
  places.forEach((place, j) => {
    rates[place] = (rates[place] as number) + (coefficients[j] ?? 0);
  });
  const feeds = (k: number, factor: number): Feeds => ({
    [`rate.${k}`]: rowOf(runtime, rates, factor),
    [`history.${k}`]: matrix,
  });
  return { layout: { kind: 'rows', count }, feeds };
}

function rowOf(runtime: OrtRuntime, coefficients: readonly number[], factor: number): OrtTensor {
  const values = Float32Array.from(coefficients, (coefficient) => coefficient * factor);
  return new runtime.Tensor('float32', values, [1, values.length]);
}
