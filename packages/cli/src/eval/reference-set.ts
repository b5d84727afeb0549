import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '@harmonica/core';
import {
  createManifold,
  decodeStatistics,
  type ExtractorIdentity,
  encodeStatistics,
  type FeatureStatistics,
} from '@harmonica/metrics';
import { isFile } from '../is-file.js';
import { writeOutput } from '../output-files.js';
import type { MetricName } from './eval-config.js';
import { memoPath, remembered } from './memo.js';
import {
  COMPARED_SETS,
  COMPARED_STATISTICS,
  gatherRow,
  MANIFOLD_IMAGES,
  type ReferenceSet,
} from './row-metrics.js';
import type { Shard } from './shards.js';

/** Options of {@link referenceSet}. */
export interface ReferenceSetOptions {
  /** What the features depend on. */
  readonly key: string;
  /** Reads them. */
  readonly shards: () => AsyncIterable<Shard>;
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
  const outputs = metrics.flatMap((metric) => COMPARED_STATISTICS[metric] ?? []);
  const statistics = outputs.map((output) => statisticsPath(options, output));
  const needsRadii = metrics.includes('precision-recall');
  return needsRadii ? [...statistics, memoPath({ folder, key: manifoldKey(options) })] : statistics;
}

/** Everything that the metrics need of a reference; statistics and radii are made once. */
export async function referenceSet(options: ReferenceSetOptions): Promise<ReferenceSet> {
  const { shards, metrics, identity, images, folder, signal } = options;
  const kept: Record<string, FeatureStatistics> = {};
  const missing: MetricName[] = metrics.filter((metric) => COMPARED_SETS.includes(metric));
  for (const metric of metrics) {
    const output = COMPARED_STATISTICS[metric];
    if (!output) continue;
    const path = statisticsPath(options, output);
    if (await isFile(path)) {
      kept[output] = decodeStatistics({ bytes: await readFile(path), path });
    } else missing.push(metric);
  }
  if (missing.length === 0) return { statistics: kept };
  const { statistics: made, features } = await gatherRow({
    shards: shards(),
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
