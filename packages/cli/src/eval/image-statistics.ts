import { encodeStatistics, type FeatureStatistics } from '@harmonica/metrics';
import type { CliContext } from '../cli-context.js';
import { startProgressBar } from '../progress-bar.js';
import { readPng } from './eval-reference.js';
import { featureTensors, type RunningExtractor } from './row-features.js';
import { gatherRow } from './row-metrics.js';
import { batchesOf, type Shard } from './shards.js';

/** The metrics that a statistics file is a reference for. */
export const STATISTICS_METRICS = ['fid', 'sfid'] as const;

/** Options of {@link imageStatistics}. */
export interface ImageStatisticsOptions {
  /** PNG files of one size. */
  readonly files: readonly string[];
  /** Has the outputs that {@link STATISTICS_METRICS} need. */
  readonly extractor: RunningExtractor;
  /** Images at a time. */
  readonly batchSize: number;
  readonly context: CliContext;
}

/**
 * Mean and covariance of the features of pictures, pooled and spatial, as a `.npz` file that names its extractor. Memory is
 * one batch, whatever the number of pictures.
 *
 * @throws {@link FileError}; as `extractFeatures`
 */
export async function imageStatistics(options: ImageStatisticsOptions): Promise<Uint8Array> {
  const { files, extractor, context } = options;
  const { stderr: output } = context;
  const bar = startProgressBar({ output, label: 'extracting', total: files.length });
  try {
    const { statistics } = await gatherRow({
      shards: featuresOf(options, (images) => bar.update(images)),
      metrics: STATISTICS_METRICS,
      identity: extractor.extractor.identity,
    });
    return encodeStatistics(statistics.features as FeatureStatistics, statistics.spatial);
  } finally {
    bar.stop();
  }
}

async function* featuresOf(
  { files, extractor, batchSize, context }: ImageStatisticsOptions,
  onProgress: (images: number) => void,
): AsyncGenerator<Shard> {
  const { signal } = context;
  for (const { start, items } of batchesOf(files, batchSize)) {
    const images = await Promise.all(items.map(readPng));
    yield await featureTensors({ extractor, images, signal });
    onProgress(start + items.length);
  }
}
