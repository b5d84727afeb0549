import { InvalidArgumentError } from '@harmonica/core';

/**
 * Refuses recorded numbers that are not a table of finite, non-negative values.
 *
 * @throws {@link InvalidArgumentError}
 * @internal
 */
export function assertRecorded(check: {
  readonly argument: string;
  /** `[rows][columns]`. */
  readonly values: readonly (readonly number[])[];
  readonly rows: number;
  readonly columns: number;
}): void {
  const { argument, values, rows, columns } = check;
  const isValid = (value: number) => Number.isFinite(value) && value >= 0;
  const fits = values.every((row) => row.length === columns && row.every(isValid));
  if (values.length === rows && fits) return;
  throw new InvalidArgumentError({
    argument,
    value: `${values.length} rows of ${values[0]?.length ?? 0} values`,
    expected: `${rows} rows of ${columns} values, all finite and not negative`,
  });
}
