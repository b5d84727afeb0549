import { trackProgress } from '@harmonica/core';
import type { MetricName } from './config.js';
import { type MeasureRowsOptions, measuredBatches } from './measure-rows.js';
import { remembered } from './memo.js';
import { gatherRow, qualityOf } from './quality.js';
import type { Reference } from './reference.js';
import { type EvalRow, type RowQuality, uncachedOf } from './row.js';

/** Options of {@link scoreRows}. */
export interface ScoreRowsOptions {
  /** How rows were measured. */
  readonly measurement: MeasureRowsOptions;
  readonly rows: readonly EvalRow[];
  /** Absent: there is nothing to compare distributions with. */
  readonly reference?: Reference | undefined;
  readonly metrics: readonly MetricName[];
  /** Of scores. */
  readonly folder: string;
}

/** Rows with their quality, each scored once. */
export async function scoreRows(options: ScoreRowsOptions) {
  const { rows, measurement } = options;
  const { onProgress } = measurement;
  const scored: (EvalRow & { readonly quality: RowQuality })[] = [];
  const progress = trackProgress({ onProgress, label: 'scoring', total: rows.length });
  for (const row of rows) {
    scored.push({ ...row, quality: await rememberedQuality(options, row) });
    progress.add();
  }
  return scored;
}

async function rememberedQuality(
  { measurement, reference, metrics, folder }: ScoreRowsOptions,
  row: EvalRow,
): Promise<RowQuality> {
  const { evaluation, extractor, signal } = measurement;
  const identity = extractor?.extractor.identity;
  const key = {
    row: row.imagesKey,
    uncached: uncachedOf(row).imagesKey,
    target: row.target?.imagesKey ?? null,
    reference: reference?.key ?? null,
    metrics,
    extractor: identity?.hash ?? null,
  };
  const make = async () => {
    const gathered = await gatherRow({
      measured: measuredBatches(measurement, row),
      uncached: row.uncached && measuredBatches(measurement, row.uncached),
      metrics,
      identity,
      images: evaluation.jobs.length,
    });
    return qualityOf({ row: gathered, reference: await reference?.load(), metrics, signal });
  };
  return remembered({ folder, key, make });
}
