import { type Branch, InvalidArgumentError } from '@harmonica/core';

/**
 * Refuses recorded numbers that do not have one finite, non-negative value for each branch.
 *
 * @throws {@link InvalidArgumentError}
 * @internal
 */
export function assertRecorded(check: {
  readonly argument: string;
  /** `[rows][N]`. */
  readonly values: readonly (readonly number[])[];
  readonly rows: number;
  readonly branches: readonly Branch[];
}): void {
  const { argument, values, rows, branches } = check;
  const isValid = (value: number) => Number.isFinite(value) && value >= 0;
  const fits = values.every((row) => row.length === branches.length && row.every(isValid));
  if (values.length === rows && fits) return;
  throw new InvalidArgumentError({
    argument,
    value: `${values.length} rows of ${values[0]?.length ?? 0} values`,
    expected: `${rows} rows of ${branches.length} values, all finite and not negative`,
  });
}
