import { readFile } from 'node:fs/promises';
import { thisMachine, versionsInUse, writeOutput } from '@harmonica/pipeline';

/** Options of {@link createBenchRecord}. */
export interface BenchRecordOptions {
  /** What was measured, such as `branches`. */
  readonly name: string;
  /** Arguments of the command. */
  readonly argv: readonly string[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly results: unknown;
}

/** A record of a measurement made now, here. */
export function createBenchRecord({ name, argv, settings, results }: BenchRecordOptions) {
  return {
    version: 1,
    kind: 'bench',
    name,
    /** When it was done, ISO 8601. */
    date: new Date().toISOString(),
    command: ['harmonica', ...argv].join(' '),
    machine: thisMachine(),
    versions: versionsInUse(),
    settings,
    results,
  } as const;
}

/** One measurement with all that is needed to judge it and to do it again: a line of `bench.jsonl`. @interface */
export type BenchRecord = ReturnType<typeof createBenchRecord>;

/** Adds a record to a file of JSON lines, which appears complete or not at all. */
export async function appendBenchRecord(path: string, record: BenchRecord): Promise<void> {
  const before = await readFile(path, 'utf8').catch(() => '');
  await writeOutput(path, `${before}${JSON.stringify(record)}\n`);
}
