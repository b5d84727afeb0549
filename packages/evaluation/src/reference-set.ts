import { join } from 'node:path';
import { fingerprint, type LongCallOptions, trackProgress } from '@harmonica/core';
import {
  createManifold,
  type DecodeStatisticsOptions,
  decodeStatistics,
  type ExtractorIdentity,
  encodeStatistics,
  type FeatureStatistics,
} from '@harmonica/metrics';
import { decodePngOf, isFile, readBytes, writeOutput } from '@harmonica/pipeline';
import { openByteFile } from '@harmonica/weights';
import { type BatchTensors, batchesOf } from './batches.js';
import { type MetricName, needsOf } from './config.js';
import { featureTensors, type RunningExtractor } from './measure-rows.js';
import { memoPath, remembered } from './memo.js';
import { gatherRow, MANIFOLD_IMAGES, type ReferenceSet } from './quality.js';

/** Options of {@link referenceSet}. */
interface ReferenceSetOptions {
  /** What the features depend on. */
  readonly key: string;
  /** Reads them. */
  readonly measured: () => AsyncIterable<BatchTensors>;
  readonly metrics: readonly MetricName[];
  readonly identity: ExtractorIdentity | undefined;
  /** Images of a row: both manifolds are made of as many, so that neither is the denser for its number (Kynkäänniemi et al.). */
  readonly images: number;
  /** Where statistics and radii are kept: making them takes longer than anything else of a large set. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
}

/** The files of statistics and radii that {@link referenceSet} makes. */
export function referenceFiles(
  options: Pick<ReferenceSetOptions, 'key' | 'metrics' | 'folder' | 'images'>,
): readonly string[] {
  const { metrics, folder } = options;
  const outputs = metrics.flatMap((metric) => needsOf(metric).statistics ?? []);
  const statistics = outputs.map((output) => statisticsPath(options, output));
  const needsRadii = metrics.includes('precision-recall');
  return needsRadii ? [...statistics, memoPath({ folder, key: manifoldKey(options) })] : statistics;
}

/** Everything that the metrics need of a reference; statistics and radii are made once. */
export async function referenceSet(options: ReferenceSetOptions): Promise<ReferenceSet> {
  const { measured, metrics, identity, images, folder, signal } = options;
  const kept: Record<string, FeatureStatistics> = {};
  const missing: MetricName[] = metrics.filter((metric) => needsOf(metric).comparesSets);
  for (const metric of metrics) {
    const { statistics: output } = needsOf(metric);
    if (!output) continue;
    const path = statisticsPath(options, output);
    if (await isFile(path)) {
      kept[output] = await readStatistics({ path });
    } else missing.push(metric);
  }
  if (missing.length === 0) return { statistics: kept };
  const { statistics: made, features } = await gatherRow({
    measured: measured(),
    metrics: missing,
    identity,
    most: manifoldSize(images),
  });
  for (const [output, each] of Object.entries(made)) {
    await writeOutput(statisticsPath(options, output), encodeStatistics(each));
  }
  const statistics = { ...kept, ...made };
  if (!features || !metrics.includes('precision-recall')) return { statistics, features };
  const { neighbors, squaredRadii } = await remembered({
    folder,
    key: manifoldKey(options),
    make: async () => {
      const manifold = createManifold({ features, signal });
      return { neighbors: manifold.neighbors, squaredRadii: [...manifold.squaredRadii] };
    },
  });
  const manifold = { features, neighbors, squaredRadii: Float64Array.from(squaredRadii) };
  return { statistics, features, manifold };
}

/**
 * Statistics of a file, of which only their arrays are read.
 *
 * @throws {@link FileError} if it cannot be read, and as `decodeStatistics`
 */
export async function readStatistics(
  options: Omit<DecodeStatisticsOptions, 'bytes'>,
): Promise<FeatureStatistics> {
  const file = await openByteFile(options.path);
  try {
    return await decodeStatistics({ bytes: file, ...options });
  } finally {
    await file.close();
  }
}

function manifoldKey({ key, images }: Pick<ReferenceSetOptions, 'key' | 'images'>) {
  return { manifold: key, images: manifoldSize(images) };
}

function manifoldSize(images: number): number {
  return Math.min(images, MANIFOLD_IMAGES);
}

function statisticsPath(
  { folder, key }: Pick<ReferenceSetOptions, 'key' | 'folder'>,
  output: string,
): string {
  return join(folder, `${fingerprint({ statistics: key, output }).slice(0, 16)}.npz`);
}

/** The metrics that a statistics file is a reference for. */
export const STATISTICS_METRICS = ['fid', 'sfid'] as const;

/** Options of {@link imageStatistics}. */
export interface ImageStatisticsOptions extends LongCallOptions {
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
    measured: featuresOf(options, (images) => progress.set(images)),
    metrics: STATISTICS_METRICS,
    identity: extractor.extractor.identity,
  });
  return encodeStatistics(statistics.features as FeatureStatistics, statistics.spatial);
}

async function* featuresOf(
  { files, extractor, batchSize, signal }: ImageStatisticsOptions,
  onImages: (images: number) => void,
): AsyncGenerator<BatchTensors> {
  for (const { start, items } of batchesOf(files, batchSize)) {
    const images = await Promise.all(items.map(readPng));
    yield await featureTensors({ extractor, images, signal });
    onImages(start + items.length);
  }
}

/** @throws {@link FileError} */
export async function readPng(path: string) {
  return decodePngOf(path, await readBytes(path));
}
