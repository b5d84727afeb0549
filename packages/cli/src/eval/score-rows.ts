import { startProgressBar } from '../progress-bar.js';
import type { MetricName } from './eval-config.js';
import type { Reference } from './eval-reference.js';
import { latest, remembered } from './memo.js';
import { type MeasureRowsOptions, measuredShards, type PairedRow } from './row-features.js';
import { type GatheredRow, gatherRow, qualityOf, type RowQuality } from './row-metrics.js';

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

/** The quality of rows in their order, each made once. The features of an uncached run are gathered once for its group. */
export async function scoreRows(options: ScoreRowsOptions): Promise<readonly RowQuality[]> {
  const { rows, measurement } = options;
  const { stderr: output } = measurement.context;
  const gatherUncached = latest(({ uncached, target }: PairedRow) =>
    gather(options, { row: uncached, uncached, target }, ['feature-distance']),
  );
  const qualities: RowQuality[] = [];
  const bar = startProgressBar({ output, label: 'scoring', total: rows.length });
  try {
    for (const pair of rows) {
      const uncached = () => gatherUncached(pair.uncached.key, pair);
      qualities.push(await rememberedQuality({ options, pair, uncached }));
      bar.increment();
    }
  } finally {
    bar.stop();
  }
  return qualities;
}

async function rememberedQuality(input: {
  readonly options: ScoreRowsOptions;
  readonly pair: PairedRow;
  readonly uncached: () => Promise<GatheredRow>;
}): Promise<RowQuality> {
  const { options, pair, uncached } = input;
  const { measurement, reference, metrics, folder } = options;
  const { extractor, context } = measurement;
  const key = {
    row: pair.row.key,
    uncached: pair.uncached.key,
    target: pair.target?.key ?? null,
    reference: reference?.key ?? null,
    metrics,
    extractor: extractor?.extractor.identity.hash ?? null,
  };
  const isPaired = pair.row.key !== pair.uncached.key && metrics.includes('feature-distance');
  const make = async () =>
    qualityOf({
      row: await gather(options, pair, metrics),
      uncached: isPaired ? await uncached() : undefined,
      reference: await reference?.load(),
      metrics,
      signal: context.signal,
    });
  return remembered({ folder, key, make });
}

function gather(
  { measurement }: ScoreRowsOptions,
  pair: PairedRow,
  metrics: readonly MetricName[],
): Promise<GatheredRow> {
  const identity = measurement.extractor?.extractor.identity;
  return gatherRow({ shards: measuredShards(measurement, pair), metrics, identity });
}
