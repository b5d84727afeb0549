import { basename, join, relative, sep } from 'node:path';
import {
  fingerprint,
  IncompatibleError,
  InvalidArgumentError,
  type LongCallOptions,
  ShapeError,
  trackProgress,
} from '@harmonica/core';
import { assertStatistics, type FeatureStatistics, INCEPTION_DIMENSIONS } from '@harmonica/metrics';
import { pictureFiles, prepareFolder, readPngSize } from '@harmonica/pipeline';
import { hashFiles } from '@harmonica/weights';
import { type Batch, batchesOf, batchPath, hasBatch, readBatch, writeBatch } from './batches.js';
import type { EvalConfig, MetricName } from './config.js';
import {
  featureTensors,
  type MeasureRowsOptions,
  measuredBatches,
  measuredFiles,
  type RunningExtractor,
} from './measure-rows.js';
import { once } from './memo.js';
import { assertEnoughImages, type ReferenceSet } from './quality.js';
import { readPng, readStatistics, referenceFiles, referenceSet } from './reference-set.js';
import type { EvalRow } from './row.js';
import { partOf, type Share } from './share.js';

/** What distributions are compared with, before its features are at hand. */
export interface Reference {
  /** For people. */
  readonly name: string;
  /** `hashFiles` of its files, those of a folder in the order in which they are taken; of a run what names its images. */
  readonly sha256: string;
  /** What it depends on. */
  readonly key: string;
  /** Keeps the features of a share of the images. */
  measure(): Promise<void>;
  /** The files of features that all shares together keep before the first `load`. */
  readonly measured: readonly string[];
  /** The files that the first `load` makes and later ones read. */
  readonly made: readonly string[];
  /** Features or statistics; read at the first call. */
  load(): Promise<ReferenceSet>;
}

/** Options of {@link statisticsReference} and {@link imagesReference}. */
export interface ReferenceOptions {
  /** A `.npz` file, or a folder of PNG files. */
  readonly path: string;
  readonly extractor: RunningExtractor;
  readonly metrics: readonly MetricName[];
}

/**
 * Throws if a reference that is given as files is not there or does not have what the metrics need. Needs no extractor, so
 * that it is known before one is loaded.
 *
 * @throws {@link InvalidArgumentError} if a folder has fewer PNG files than a metric needs, or a metric needs images and
 *   there are statistics
 * @throws {@link ShapeError} naming the first picture that is not of the size of the others
 * @throws {@link IncompatibleError} if statistics are of another number of features
 * @throws {@link FileError} if it cannot be read, and as `decodeStatistics` and `assertStatistics`
 */
export async function checkReference({
  reference,
  metrics,
}: Pick<EvalConfig, 'reference' | 'metrics'>): Promise<void> {
  if (reference && 'images' in reference) {
    const files = await pngFiles(reference.images);
    await assertOneSize(files);
    assertEnoughImages({ metrics, images: files.length, of: 'reference.images' });
  }
  if (!reference || !('statistics' in reference)) return;
  const needy = metrics.find((metric) => metric === 'precision-recall' || metric === 'kid');
  if (needy) {
    throw new InvalidArgumentError({
      argument: 'metrics',
      value: needy,
      expected: 'none that needs the features of single images, beside a statistics file',
      fix: 'Give a folder of images as the reference, or leave this metric out.',
    });
  }
  const path = reference.statistics;
  for (const metric of ['fid', 'sfid'] as const) {
    if (metrics.includes(metric)) await assertComparable(path, metric);
  }
}

/** The statistics that a metric reads, as `decodeStatistics` calls them, and their dimension. */
const STATISTICS_OF = {
  fid: { output: 'pooled', dimension: INCEPTION_DIMENSIONS.features },
  sfid: { output: 'spatial', dimension: INCEPTION_DIMENSIONS.spatial },
} as const;

async function assertComparable(path: string, metric: keyof typeof STATISTICS_OF) {
  const { output, dimension } = STATISTICS_OF[metric];
  const statistics = await readStatistics({ path, output });
  if (statistics.dimension !== dimension) {
    throw new IncompatibleError({
      what: `The feature dimension of ${path}`,
      actual: statistics.dimension,
      expected: dimension,
      fix: `Give statistics of the features that ${metric} is made of.`,
    });
  }
  assertStatistics(path, statistics);
}

/**
 * Mean and covariance of a statistics file, as the common FID tools write it.
 *
 * @throws {@link FileError}, and as `decodeStatistics`
 */
export async function statisticsReference(options: ReferenceOptions): Promise<Reference> {
  const { path, metrics } = options;
  const { identity } = options.extractor.extractor;
  const read = (metric: keyof typeof STATISTICS_OF) =>
    readStatistics({ path, output: STATISTICS_OF[metric].output, extractor: identity });
  const statistics: Record<string, FeatureStatistics> = {};
  if (metrics.includes('fid')) statistics.features = await read('fid');
  if (metrics.includes('sfid')) statistics.spatial = await read('sfid');
  const sha256 = await hashFiles([path]);
  return {
    name: basename(path),
    sha256,
    key: sha256,
    measure: async () => {},
    measured: [],
    made: [],
    load: async () => ({ statistics }),
  };
}

/** Options of {@link sampledReference}. */
export interface SampledReferenceOptions {
  /** A run that is measured by itself. */
  readonly row: EvalRow;
  readonly measurement: MeasureRowsOptions;
  readonly metrics: readonly MetricName[];
  /** Where what is gathered of it is kept. */
  readonly references: string;
}

/** The features of a run that is measured among the rows. */
export function sampledReference(options: SampledReferenceOptions): Reference {
  const { row, measurement, metrics, references: folder } = options;
  const { extractor, signal } = measurement;
  const identity = extractor?.extractor.identity;
  const key = fingerprint([row.imagesKey, identity?.hash ?? null, extractor?.outputs ?? []]);
  const measured = () => measuredBatches(measurement, row);
  const { length: images } = measurement.evaluation.jobs;
  const set = { key, measured, metrics, identity, images, folder, signal };
  return {
    name: `the uncached run ${row.name}`,
    sha256: row.imagesKey,
    key: row.imagesKey,
    measure: async () => {},
    measured: measuredFiles(measurement, row),
    made: referenceFiles(set),
    load: once(() => referenceSet(set)),
  };
}

/**
 * The PNG files of a folder and of those within it. Features are kept batch by batch, so that an extraction that was
 * stopped goes on.
 *
 * @throws {@link InvalidArgumentError} if there are none; {@link FileError}
 */
export async function imagesReference(
  options: ReferenceOptions &
    LongCallOptions & {
      readonly batchSize: number;
      /** Of a row. */
      readonly images: number;
      /** Where features are kept. */
      readonly folder: string;
      /** Where what is gathered of them is kept. */
      readonly references: string;
      readonly share: Share;
    },
): Promise<Reference> {
  const { path, extractor, metrics, images, signal, onProgress, share } = options;
  const files = shuffled(path, await pngFiles(path));
  const { identity } = extractor.extractor;
  const sha256 = await hashFiles(files);
  const key = fingerprint([sha256, identity.hash, extractor.outputs, options.batchSize]);
  const folder = join(options.folder, key.slice(0, 16));
  const batches = batchesOf(files, options.batchSize);
  const measured = () => measuredIn(folder, batches);
  const { references } = options;
  const set = { key, measured, metrics, identity, images, folder: references, signal };
  return {
    name: `${files.length} images of ${basename(path)}`,
    sha256,
    key,
    measure: () =>
      measureFiles({ extractor, signal, onProgress, folder, batches: partOf(batches, share) }),
    measured: batches.map((batch) => batchPath(folder, batch)),
    made: referenceFiles(set),
    load: once(() => referenceSet(set)),
  };
}

/** Keeps the features of batches of pictures. */
async function measureFiles(
  options: LongCallOptions & {
    readonly extractor: RunningExtractor;
    readonly folder: string;
    readonly batches: readonly Batch<string>[];
  },
): Promise<void> {
  const { extractor, signal, onProgress, folder, batches } = options;
  await prepareFolder(folder);
  const progress = trackProgress({ onProgress, label: 'reference', total: batches.length });
  for (const batch of batches) {
    if (!(await hasBatch(folder, batch))) {
      const images = await Promise.all(batch.items.map(readPng));
      await writeBatch(folder, batch, await featureTensors({ extractor, images, signal }));
    }
    progress.add();
  }
}

async function* measuredIn(folder: string, batches: readonly Batch[]) {
  for (const batch of batches) yield await readBatch(folder, batch);
}

/** The PNG files of a folder and of those within it, as `pictureFiles` finds them. @throws {@link InvalidArgumentError} if there are none; {@link FileError} */
export async function pngFiles(
  folder: string,
  argument = 'reference.images',
): Promise<readonly string[]> {
  const files = await pictureFiles(folder);
  if (files.length > 0) return files.map((name) => join(folder, name));
  throw new InvalidArgumentError({
    argument,
    value: folder,
    expected: 'a folder with PNG files',
  });
}

/** In an order that has nothing to do with names, so that the first of many, which manifolds are made of, are like all. */
function shuffled(folder: string, files: readonly string[]): readonly string[] {
  const keyed = files.map((file) => ({
    file,
    key: fingerprint(relative(folder, file).split(sep)),
  }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ file }) => file);
}

/** @throws {@link ShapeError} naming the first picture that is not of the size of the others */
export async function assertOneSize(files: readonly string[]): Promise<void> {
  let first: readonly number[] | undefined;
  for (const path of files) {
    const { height, width } = await readPngSize(path);
    first ??= [height, width];
    if (first.join() === [height, width].join()) continue;
    throw new ShapeError({
      tensor: path,
      actual: [height, width],
      expected: first,
      fix: 'Give pictures of one size: resizing some and not others changes the distance.',
    });
  }
}
