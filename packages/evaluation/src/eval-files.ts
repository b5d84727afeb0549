import { join } from 'node:path';
import type { LongCallOptions } from '@harmonica/core';
import { prepareFolder, readText, writeOutput } from '@harmonica/pipeline';
import { createBenchRecord } from './bench/record.js';
import { type EvalConfig, parseEvalConfig } from './config.js';
import type { FinishedEval } from './evaluate.js';
import { costFigure, curveFigures, rowFigures } from './figures.js';
import { checkPolicies } from './groups.js';
import { assertEnoughImages } from './quality.js';
import { checkReference } from './reference.js';
import { evalReport } from './report.js';
import { rowRecord } from './row.js';
import { latexTable, markdownTables } from './tables.js';

/**
 * Reads a configuration and checks all that can be known before a model is loaded: keys and values, policies, the number
 * of images and the reference.
 *
 * @throws {@link FileError} if it, or a reference that it names, cannot be read
 * @throws {@link ConfigError} naming every unknown key and wrong value
 * @throws {@link InvalidArgumentError}, {@link ShapeError}, {@link IncompatibleError} for what is not possible
 */
export async function readEvalConfig(path: string): Promise<EvalConfig> {
  const fix = 'Give a configuration: the README of @harmonica/cli describes it.';
  const config = parseEvalConfig(await readText(path, fix), path);
  assertEnoughImages(config);
  checkPolicies(config);
  await checkReference(config);
  return config;
}

/** Options of {@link writeEval}. */
export interface WriteEvalOptions extends LongCallOptions {
  readonly finished: FinishedEval;
  readonly config: EvalConfig;
  /** The folder; it is made if it is not there. */
  readonly out: string;
  /** Arguments of the command, for the records. */
  readonly argv: readonly string[];
}

/**
 * Writes `results.jsonl`, `tables.md`, `tables.tex`, `curves/` and `report.html`.
 *
 * @returns the tables, as Markdown
 * @throws {@link FileError}
 */
export async function writeEval(options: WriteEvalOptions): Promise<string> {
  const { finished, config, out, argv, signal, onProgress } = options;
  const { outcome, provenance } = finished;
  const { rows, images, ...settings } = outcome;
  await prepareFolder(join(out, 'curves'));
  const lines = rows.map((row) => {
    const results = rowRecord(row, images);
    const { name } = row;
    const record = createBenchRecord({ name, argv, settings: { ...settings, config }, results });
    return `${JSON.stringify({ ...record, kind: 'eval', provenance })}\n`;
  });
  await writeOutput(join(out, 'results.jsonl'), lines.join(''));
  const tables = markdownTables(outcome);
  await writeOutput(join(out, 'tables.md'), tables);
  await writeOutput(join(out, 'tables.tex'), latexTable(outcome));
  const curves = await curveFigures(outcome);
  for (const { file, content } of curves.flatMap(({ figures }) => figures)) {
    if (file) await writeOutput(join(out, 'curves', file), content);
  }
  const sections = [
    ...curves,
    ...(await rowFigures({ finished, shown: config.shown, signal, onProgress })),
    await costFigure(finished),
  ];
  const record = createBenchRecord({ name: 'eval', argv, settings: {}, results: null });
  const report = evalReport({ outcome, sections, record, provenance });
  await writeOutput(join(out, 'report.html'), report);
  return tables;
}
