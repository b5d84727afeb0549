import { z } from 'zod';

/** One measurement: its figures by name, and what they come from. */
export interface ResultRow {
  readonly [figure: string]: unknown;
  /** The command that measured it, in the root of a checkout. */
  readonly command: string;
  /** What it ran on, or `not recorded`. */
  readonly machine: string;
  /** The commit that recorded it, 7 to 40 hexadecimal digits. */
  readonly commit: string;
  /** Names of figures that a table sets in bold. */
  readonly bold?: readonly string[] | undefined;
}

const rowSchema = () =>
  z
    .object({
      command: z.string().min(1),
      machine: z.string().min(1),
      commit: z.string().regex(/^[0-9a-f]{7,40}$/),
      bold: z.array(z.string()).optional(),
    })
    .catchall(z.union([z.string(), z.number(), z.array(z.number())]));

/**
 * Reads a `.results.jsonl` file: one measurement a line.
 * @throws A `ZodError` or `SyntaxError` for a line that is not one.
 */
export function parseResultRows(text: string): readonly ResultRow[] {
  const schema = rowSchema();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => schema.parse(JSON.parse(line)));
}

/** Joins measurements of the same run, which agree in the figures of `key`, in order of their first line. */
export function joinMeasurements(
  rows: readonly ResultRow[],
  key: readonly string[],
): readonly ResultRow[] {
  const joined = new Map<string, ResultRow>();
  for (const row of rows) {
    const name = JSON.stringify(key.map((figure) => row[figure]));
    const earlier = joined.get(name);
    joined.set(name, earlier ? { ...row, ...earlier } : row);
  }
  return [...joined.values()];
}

/** A command, machine and commit, and for how many of the rows they stand. */
export interface Origin {
  readonly command: string;
  readonly machine: string;
  readonly commit: string;
  readonly count: number;
}

/** What measurements come from, without repetition. */
export function originsOf(rows: readonly ResultRow[]): readonly Origin[] {
  const origins = new Map<string, Origin>();
  for (const { command, machine, commit } of rows) {
    const name = JSON.stringify([command, machine, commit]);
    const count = (origins.get(name)?.count ?? 0) + 1;
    origins.set(name, { command, machine, commit, count });
  }
  return [...origins.values()];
}
