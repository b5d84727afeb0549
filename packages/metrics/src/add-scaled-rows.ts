/** What {@link addScaledRows} works on. */
interface AddScaledRowsOptions {
  /** `[columns]`; added to from column `from` on. */
  readonly target: Float64Array;
  /** Row-major `[any, columns]`. */
  readonly rows: Float64Array;
  readonly columns: number;
  /** One for each row, by its index. */
  readonly factors: Float64Array;
  /** The rows that are added: from `first` to before `end`. */
  readonly first: number;
  readonly end: number;
  /** Default 0. */
  readonly from?: number;
}

/**
 * `target += sum_i factors[i] rows[i, :]`, four rows at a time, so that the target is read and written once for all.
 *
 * @internal
 */
export function addScaledRows(options: AddScaledRowsOptions): void {
  const { target, rows, columns, factors, first, end, from = 0 } = options;
  let i = first;
  for (; i + 4 <= end; i += 4) {
    const o0 = i * columns;
    const [o1, o2, o3] = [o0 + columns, o0 + 2 * columns, o0 + 3 * columns];
    const f0 = factors[i] as number;
    const f1 = factors[i + 1] as number;
    const f2 = factors[i + 2] as number;
    const f3 = factors[i + 3] as number;
    for (let j = from; j < columns; j++) {
      const pair = f0 * (rows[o0 + j] as number) + f1 * (rows[o1 + j] as number);
      const other = f2 * (rows[o2 + j] as number) + f3 * (rows[o3 + j] as number);
      target[j] = (target[j] as number) + (pair + other);
    }
  }
  for (; i < end; i++) {
    const factor = factors[i] as number;
    for (let j = from; j < columns; j++) {
      target[j] = (target[j] as number) + factor * (rows[i * columns + j] as number);
    }
  }
}
