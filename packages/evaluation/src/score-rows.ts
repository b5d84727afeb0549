import { trackProgress } from '@harmonica/core';
import type { MetricName } from './config.js';
import { type MeasureRowsOptions, measuredShards, type PairedRow } from './measure-rows.js';
import { gatherRow, qualityOf, type RowQuality } from './quality.js';
import type { Reference } from './reference.js';
import { remembered } from './shards.js';

/** Options of {@link scoreRows}. */
export interface ScoreRowsOptions {
  /** How rows were measured. */
  readonly measurement: MeasureRowsOptions;
  readonly rows: readonly PairedRow[];
  /** Absent: there is nothing to compare distributions with. */
  readonly reference?: Reference | undefined;
  readonly metrics: readonly MetricName[];
  /** Of scores. */
  readonly folder: string;
}

/** The quality of rows in their order, each made once. */
export async function scoreRows(options: ScoreRowsOptions): Promise<readonly RowQuality[]> {
  const { rows, measurement } = options;
  const { onProgress } = measurement;
  const qualities: RowQuality[] = [];
  const progress = trackProgress({ onProgress, label: 'scoring', total: rows.length });
  for (const pair of rows) {
    qualities.push(await rememberedQuality(options, pair));
    progress.add();
  }
  return qualities;
}

async function rememberedQuality(
  { measurement, reference, metrics, folder }: ScoreRowsOptions,
  pair: PairedRow,
): Promise<RowQuality> {
  const { evaluation, extractor, signal } = measurement;
  const { row, uncached, target } = pair;
  const identity = extractor?.extractor.identity;
  const key = {
    row: row.imagesKey,
    uncached: uncached.imagesKey,
    target: target?.imagesKey ?? null,
    reference: reference?.key ?? null,
    metrics,
    extractor: identity?.hash ?? null,
  };
  const make = async () => {
    const gathered = await gatherRow({
      shards: measuredShards(measurement, pair),
      ...(row.key !== uncached.key && {
        uncached: measuredShards(measurement, { ...pair, row: uncached }),
      }),
      metrics,
      identity,
      images: evaluation.jobs.length,
    });
    return qualityOf({ row: gathered, reference: await reference?.load(), metrics, signal });
  };
  return remembered({ folder, key, make });
}
