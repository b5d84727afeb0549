import { InvalidArgumentError } from '@harmonica/core';
import {
  collectFeatures,
  createFeatureStatistics,
  type ExtractorIdentity,
  type FeatureSet,
  type FeatureStatistics,
  featureDistance,
  frechetDistance,
  INCEPTION_DIMENSIONS,
  inceptionScore,
  kernelDistance,
  type Manifold,
  precisionRecall,
} from '@harmonica/metrics';
import type { EvalConfig, MetricName } from './eval-config.js';
import { PARTNERS } from './row-features.js';
import type { Shard } from './shards.js';

/** How good the images of a row are. What was not asked for, or has no meaning for the row, is null. */
export interface RowQuality {
  /** Mean in dB over the images that differ; null if none does. */
  readonly psnrToUncached: number | null;
  readonly ssimToUncached: number | null;
  readonly psnrToTarget: number | null;
  readonly ssimToTarget: number | null;
  /** Relative to the norm of the uncached images' features. */
  readonly featureDistance: number | null;
  readonly fid: number | null;
  readonly sfid: number | null;
  readonly inceptionScore: number | null;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly kid: number | null;
}

/** What distributions are compared with: without features and manifold if it is a statistics file. */
export type ReferenceSet = Pick<GatheredRow, 'statistics' | 'features'> & {
  readonly manifold?: Manifold | undefined;
};

/** Most images that precision, recall and KID look at. */
export const MANIFOLD_IMAGES = 10_000;

/** The outputs of an extractor whose mean and covariance metrics compare. */
export const COMPARED_STATISTICS: Partial<Record<MetricName, string>> = {
  fid: 'features',
  sfid: 'spatial',
};

/** The outputs of an extractor that metrics need of single images. */
const COMPARED_IMAGES: Partial<Record<MetricName, 'features' | 'logits'>> = {
  'feature-distance': 'features',
  is: 'logits',
  'precision-recall': 'features',
  kid: 'features',
};

/** The outputs of an extractor that metrics need. */
export function outputsFor(metrics: readonly MetricName[]): readonly string[] {
  const needs = { ...COMPARED_STATISTICS, ...COMPARED_IMAGES };
  return [...new Set(metrics.flatMap((metric) => needs[metric] ?? []))];
}

/** What was measured of a row, gathered from its shards. */
export interface GatheredRow {
  readonly uncached: readonly PairValues[];
  readonly target: readonly PairValues[];
  /** Mean and covariance by output of the extractor. */
  readonly statistics: Readonly<Record<string, FeatureStatistics>>;
  readonly features?: FeatureSet | undefined;
  readonly logits?: FeatureSet | undefined;
}

/** PSNR in dB, infinite for equal images, and SSIM. */
type PairValues = readonly [psnr: number, ssim: number];

/** Options of {@link gatherRow}. */
export interface GatherRowOptions {
  readonly shards: AsyncIterable<Shard> | Iterable<Shard>;
  readonly metrics: readonly MetricName[];
  readonly identity?: ExtractorIdentity | undefined;
  /** Images after which no more features are kept. Default: as many as manifolds are made of. */
  readonly most?: number | undefined;
}

/**
 * Reads the shards of a row once and keeps what metrics need: statistics of any number of images, features of as many as
 * manifolds are made of.
 */
export async function gatherRow(options: GatherRowOptions): Promise<GatheredRow> {
  const { shards, metrics, identity, most = MANIFOLD_IMAGES } = options;
  const moments = metrics.flatMap((metric) => COMPARED_STATISTICS[metric] ?? []);
  const single = new Set(metrics.map((metric) => COMPARED_IMAGES[metric]));
  const accumulators = new Map<string, ReturnType<typeof createFeatureStatistics>>();
  const pairs: { uncached: PairValues[]; target: PairValues[] } = { uncached: [], target: [] };
  const kept: { features: FeatureSet[]; logits: FeatureSet[] } = { features: [], logits: [] };
  let images = 0;
  for await (const shard of shards) {
    for (const partner of PARTNERS) {
      pairs[partner].push(...pairValues(shard, partner));
    }
    for (const output of moments) {
      const set = featuresIn(shard, output, identity);
      const known = accumulators.get(output) ?? createFeatureStatistics(set);
      accumulators.set(output, known);
      known.add(set);
    }
    if (single.has('logits')) kept.logits.push(featuresIn(shard, 'logits', identity));
    if (single.has('features') && images < most) {
      const set = featuresIn(shard, 'features', identity);
      kept.features.push(set);
      images += set.count;
    }
  }
  return {
    ...pairs,
    statistics: Object.fromEntries([...accumulators].map(([name, each]) => [name, each.result()])),
    features: await joined(kept.features),
    logits: await joined(kept.logits),
  };
}

/** Options of {@link qualityOf}. */
export interface QualityOfOptions {
  readonly row: GatheredRow;
  /** Absent for the uncached run itself. */
  readonly uncached?: GatheredRow | undefined;
  readonly reference?: ReferenceSet | undefined;
  readonly metrics: readonly MetricName[];
  readonly signal?: AbortSignal | undefined;
}

/** All metrics of a row that were asked for. @throws as the functions of `@harmonica/metrics` */
export function qualityOf(options: QualityOfOptions): RowQuality {
  const { row, uncached, reference, metrics, signal } = options;
  const wants = (name: MetricName) => metrics.includes(name);
  const distance = (output: string) => {
    const features = row.statistics[output];
    const references = reference?.statistics[output];
    return features && references ? frechetDistance({ references, features }).distance : null;
  };
  const sets =
    reference?.features && row.features
      ? { references: reference.features, features: row.features, ...(signal && { signal }) }
      : undefined;
  const near =
    wants('precision-recall') && sets
      ? precisionRecall({ ...sets, references: reference?.manifold ?? sets.references })
      : undefined;
  const own = row.features;
  const original = uncached?.features;
  return {
    psnrToUncached: wants('psnr') ? meanPsnrOf(row.uncached) : null,
    ssimToUncached: wants('ssim') ? meanSsimOf(row.uncached) : null,
    psnrToTarget: wants('psnr') ? meanPsnrOf(row.target) : null,
    ssimToTarget: wants('ssim') ? meanSsimOf(row.target) : null,
    featureDistance:
      wants('feature-distance') && own && original
        ? featureDistance({ references: original, features: own }).relative
        : null,
    fid: wants('fid') ? distance('features') : null,
    sfid: wants('sfid') ? distance('spatial') : null,
    inceptionScore: wants('is') && row.logits ? scoreOf(row.logits) : null,
    precision: near?.precision ?? null,
    recall: near?.recall ?? null,
    kid: wants('kid') && sets ? kernelDistance(kernelOptions(sets)).mean : null,
  };
}

/** In ten parts, as the literature has it, or one for each image. */
function scoreOf(logits: FeatureSet): number {
  return inceptionScore({ logits, splits: Math.min(10, logits.count) }).mean;
}

/** Small sets are compared whole. */
function kernelOptions<
  S extends { readonly references: FeatureSet; readonly features: FeatureSet },
>(sets: S) {
  const count = Math.min(sets.references.count, sets.features.count);
  return count < 1000 ? { ...sets, subsetSize: count, subsets: 1 } : sets;
}

/** Images without which a metric has no value: as many as features, more than neighbours, pairs. */
const LEAST_IMAGES: Partial<Record<MetricName, number>> = {
  fid: INCEPTION_DIMENSIONS.features,
  sfid: INCEPTION_DIMENSIONS.spatial,
  'precision-recall': 4,
  kid: 2,
};

/** Throws {@link InvalidArgumentError} if there are fewer images than a metric needs. */
export function assertEnoughImages({ metrics, images }: Pick<EvalConfig, 'metrics' | 'images'>) {
  for (const metric of metrics) {
    const { [metric]: least = 1 } = LEAST_IMAGES;
    if (images >= least) continue;
    throw new InvalidArgumentError({
      argument: 'images',
      value: images,
      expected: `at least ${least} for ${metric}`,
      fix: `Sample more images, or leave ${metric} out; kid has no bias in small sets.`,
    });
  }
}

function pairValues(shard: Shard, partner: string): PairValues[] {
  const { data = new Float32Array(0) } = shard.get(partner) ?? {};
  return Array.from({ length: data.length / 2 }, (_, i) => [
    data[2 * i] as number,
    data[2 * i + 1] as number,
  ]);
}

function featuresIn(shard: Shard, output: string, extractor?: ExtractorIdentity): FeatureSet {
  const { shape, data } = shard.get(output) as { shape: readonly number[]; data: Float32Array };
  const [count = 0, dimension = 0] = shape;
  return { data, count, dimension, ...(extractor && { extractor }) };
}

/** Sets of one output as one; nothing of none. */
async function joined(sets: readonly FeatureSet[]): Promise<FeatureSet | undefined> {
  if (sets.length === 0) return undefined;
  const { all } = await collectFeatures(sets.map((set) => ({ all: set })));
  return all;
}

function meanPsnrOf(pairs: readonly PairValues[]): number | null {
  return meanOf(pairs.map(([value]) => value).filter(Number.isFinite));
}

function meanSsimOf(pairs: readonly PairValues[]): number | null {
  return meanOf(pairs.map(([, value]) => value));
}

function meanOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
