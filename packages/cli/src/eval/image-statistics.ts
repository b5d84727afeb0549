import { type LongCallOptions, trackProgress } from '@harmonica/core';
import { encodeStatistics, type FeatureStatistics } from '@harmonica/metrics';
import { readPng } from './eval-reference.js';
import { featureTensors, type RunningExtractor } from './row-features.js';
import { gatherRow } from './row-metrics.js';
import { batchesOf, type Shard } from './shards.js';

/** The metrics that a statistics file is a reference for. */
export const STATISTICS_METRICS = ['fid', 'sfid'] as const;

/** Options of {@link imageStatistics}. */
export interface ImageStatisticsOptions extends LongCallOptions, LongCallOptions {
  /** PNG files of one size. */
  readonly files: readonly string[];
  /** Has the outputs that {@link STATISTICS_METRICS} need. */
  readonly extractor: RunningExtractor;
  /** Images at a time. */
  readonly batchSize: number;
}

/**
 * Mean and covariance of the features of pictures, pooled and spatial, as a `.npz` file that names its extractor. Memory is
 * one batch, whatever the number of pictures.
 *
 * @throws {@link FileError}; as `extractFeatures`
 */
export async function imageStatistics(options: ImageStatisticsOptions): Promise<Uint8Array> {
  const { files, extractor, onProgress } = options;
  const progress = trackProgress({ onProgress, label: 'extracting', total: files.length });
  const { statistics } = await gatherRow({
    shards: featuresOf(options, (images) => progress.set(images)),
    metrics: STATISTICS_METRICS,
    identity: extractor.extractor.identity,
  });
  return encodeStatistics(statistics.features as FeatureStatistics, statistics.spatial);
}

async function* featuresOf(
  { files, extractor, batchSize, signal }: ImageStatisticsOptions,
  onImages: (images: number) => void,
): AsyncGenerator<Shard> {
  for (const { start, items } of batchesOf(files, batchSize)) {
    const images = await Promise.all(items.map(readPng));
    yield await featureTensors({ extractor, images, signal });
    onImages(start + items.length);
  }
}
