import type { Branch } from '@harmonica/core';

/** Which branches are decided together: all of the model, those of a kind, or each for itself. */
export type Granularity = 'model' | 'kind' | 'branch';

/**
 * The mean of a quantity over the branches that are decided together, handed to all of them.
 *
 * @param options `values` `[rows][N]`.
 * @returns for each branch its column, `[N][rows]`; branches of one group have equal columns.
 * @internal
 */
export function groupMeans(options: {
  readonly values: readonly (readonly number[])[];
  readonly branches: readonly Branch[];
  readonly per: Granularity;
}): readonly (readonly number[])[] {
  const { values, branches, per } = options;
  const groupOf = ({ kind, index }: Branch) => ({ model: '', kind, branch: String(index) })[per];
  const columns = new Map<string, readonly number[]>();
  for (const branch of branches) {
    const group = groupOf(branch);
    if (columns.has(group)) continue;
    const members = branches.filter((other) => groupOf(other) === group);
    const mean = (row: readonly number[]) =>
      members.reduce((sum, { index }) => sum + (row[index] as number), 0) / members.length;
    columns.set(group, values.map(mean));
  }
  return branches.map((branch) => columns.get(groupOf(branch)) as readonly number[]);
}
