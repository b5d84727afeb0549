import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseResultRows, type ResultRow } from './result-rows.js';

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

const results = join(root, 'docs/results');

/** Paths of the documents that show results. */
export function pagesWithResults(): readonly string[] {
  const pages = readdirSync(results).filter((name) => name.endsWith('.md'));
  return [join(root, 'README.md'), ...pages.map((name) => join(results, name))];
}

/** Names of the files of measurements. */
export function resultFiles(): readonly string[] {
  const ending = '.results.jsonl';
  const files = readdirSync(results).filter((name) => name.endsWith(ending));
  return files.map((name) => name.slice(0, -ending.length));
}

/** The measurements of a file. */
export function readMeasurements(file: string): readonly ResultRow[] {
  return parseResultRows(readFileSync(join(results, `${file}.results.jsonl`), 'utf8'));
}
