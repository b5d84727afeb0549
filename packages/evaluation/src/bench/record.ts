import { readFile } from 'node:fs/promises';
import { type Machine, thisMachine, versionsInUse, writeOutput } from '@harmonica/pipeline';

/** One measurement with all that is needed to judge it and to do it again: a line of `bench.jsonl`. */
export interface BenchRecord {
  readonly version: 1;
  readonly kind: 'bench';
  /** What was measured, such as `branches`. */
  readonly name: string;
  /** When it was done, ISO 8601. */
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly results: unknown;
}

/** Options of {@link createBenchRecord}. */
export interface BenchRecordOptions {
  readonly name: string;
  /** Arguments of the command. */
  readonly argv: readonly string[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly results: unknown;
}

/** A record of a measurement made now, here. */
export function createBenchRecord(options: BenchRecordOptions): BenchRecord {
  const { name, argv, settings, results } = options;
  return {
    version: 1,
    kind: 'bench',
    name,
    date: new Date().toISOString(),
    command: ['harmonica', ...argv].join(' '),
    machine: thisMachine(),
    versions: versionsInUse(),
    settings,
    results,
  };
}

/** Adds a record to a file of JSON lines, which appears complete or not at all. */
export async function appendBenchRecord(path: string, record: BenchRecord): Promise<void> {
  const before = await readFile(path, 'utf8').catch(() => '');
  await writeOutput(path, `${before}${JSON.stringify(record)}\n`);
}
