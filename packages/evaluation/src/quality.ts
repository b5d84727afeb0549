import { InvalidArgumentError } from '@harmonica/core';
import {
  collectFeatures,
  createFeatureDistance,
  createFeatureStatistics,
  createInceptionScore,
  type ExtractorIdentity,
  type FeatureSet,
  type FeatureStatistics,
  frechetDistance,
  type InceptionScoreAccumulator,
  kernelDistance,
  type Manifold,
  precisionRecall,
} from '@harmonica/metrics';
import type { BatchTensors } from './batches.js';
import { type EvalConfig, type MetricName, needsOf } from './config.js';
import { PARTNERS } from './measure-rows.js';
import type { RowQuality } from './row.js';

/** What distributions are compared with: without features and manifold if it is a statistics file. */
export type ReferenceSet = Pick<GatheredRow, 'statistics' | 'features'> & {
  readonly manifold?: Manifold | undefined;
};

/** Most images that precision, recall and KID look at. */
export const MANIFOLD_IMAGES = 10_000;

/** The outputs of an extractor that metrics need. */
export function outputsFor(metrics: readonly MetricName[]): readonly string[] {
  const outputs = metrics.map(needsOf).map(({ statistics, images }) => statistics ?? images);
  return [...new Set(outputs.filter((output) => output !== undefined))];
}

/** What was measured of a row, gathered from its batches. */
interface GatheredRow {
  readonly uncached: readonly PairValues[];
  readonly target: readonly PairValues[];
  /** Mean and covariance by output of the extractor. */
  readonly statistics: Readonly<Record<string, FeatureStatistics>>;
  readonly features?: FeatureSet | undefined;
  readonly featureDistance?: number | undefined;
  readonly inceptionScore?: number | undefined;
}

/** PSNR in dB, infinite for equal images, and SSIM. */
type PairValues = readonly [psnr: number, ssim: number];

/** Options of {@link gatherRow}. */
interface GatherRowOptions {
  readonly measured: AsyncIterable<BatchTensors> | Iterable<BatchTensors>;
  readonly metrics: readonly MetricName[];
  readonly identity?: ExtractorIdentity | undefined;
  /** Those of the uncached run, batch by batch the same images. Absent: there is no distance of features. */
  readonly uncached?: AsyncIterable<BatchTensors> | undefined;
  /** Images of all batches together, which decide how they are split for the inception score. Absent: there is none. */
  readonly images?: number | undefined;
  /** Images after which no more features are kept. Default: as many as manifolds are made of. */
  readonly most?: number | undefined;
}

/**
 * Reads the batches of a row once and keeps what metrics need: statistics, distances and scores of any number of images,
 * features of as many as manifolds are made of.
 */
export async function gatherRow(options: GatherRowOptions): Promise<GatheredRow> {
  const { measured, metrics, identity, images, most = MANIFOLD_IMAGES } = options;
  const moments = metrics.flatMap((metric) => needsOf(metric).statistics ?? []);
  const keepsFeatures = metrics.some((metric) => needsOf(metric).comparesSets);
  const wantsScore = images !== undefined && metrics.includes('is');
  const uncached = metrics.includes('feature-distance')
    ? options.uncached?.[Symbol.asyncIterator]()
    : undefined;
  const accumulators = new Map<string, ReturnType<typeof createFeatureStatistics>>();
  const pairs: { uncached: PairValues[]; target: PairValues[] } = { uncached: [], target: [] };
  const distance = createFeatureDistance();
  let score: InceptionScoreAccumulator | undefined;
  const kept: FeatureSet[] = [];
  let count = 0;
  for await (const batch of measured) {
    for (const partner of PARTNERS) {
      pairs[partner].push(...pairValues(batch, partner));
    }
    for (const output of moments) {
      const set = featuresIn(batch, output, identity);
      const known = accumulators.get(output) ?? createFeatureStatistics(set);
      accumulators.set(output, known);
      known.add(set);
    }
    if (wantsScore) {
      const logits = featuresIn(batch, 'logits', identity);
      score ??= createInceptionScore({ ...logits, count: images, splits: splitsOf(images) });
      score.add(logits);
    }
    if (uncached) {
      const { value } = await uncached.next();
      distance.add({
        references: featuresIn(value, 'features', identity),
        features: featuresIn(batch, 'features', identity),
      });
    }
    if (keepsFeatures && count < most) {
      const set = featuresIn(batch, 'features', identity);
      kept.push(set);
      count += set.count;
    }
  }
  return {
    ...pairs,
    statistics: Object.fromEntries([...accumulators].map(([name, each]) => [name, each.result()])),
    features: await joined(kept),
    featureDistance: uncached && distance.result().relative,
    inceptionScore: score?.result().mean,
  };
}

/** In ten parts, as the literature has it, or one for each image. */
function splitsOf(images: number): number {
  return Math.min(10, images);
}

/** Options of {@link qualityOf}. */
interface QualityOfOptions {
  readonly row: GatheredRow;
  readonly reference?: ReferenceSet | undefined;
  readonly metrics: readonly MetricName[];
  readonly signal?: AbortSignal | undefined;
}

/** All metrics of a row that were asked for. @throws as the functions of `@harmonica/metrics` */
export function qualityOf(options: QualityOfOptions): RowQuality {
  const { row, reference, metrics, signal } = options;
  const wants = (name: MetricName) => metrics.includes(name);
  const psnr = (pairs: readonly PairValues[]) =>
    wants('psnr') ? meanOf(pairs.map(([value]) => value).filter(Number.isFinite)) : null;
  const ssim = (pairs: readonly PairValues[]) =>
    wants('ssim') ? meanOf(pairs.map(([, value]) => value)) : null;
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
  return {
    psnrToUncached: psnr(row.uncached),
    ssimToUncached: ssim(row.uncached),
    psnrToTarget: psnr(row.target),
    ssimToTarget: ssim(row.target),
    featureDistance: row.featureDistance ?? null,
    fid: wants('fid') ? distance('features') : null,
    sfid: wants('sfid') ? distance('spatial') : null,
    inceptionScore: row.inceptionScore ?? null,
    precision: near?.precision ?? null,
    recall: near?.recall ?? null,
    kid: wants('kid') && sets ? kernelDistance(kernelOptions(sets)).mean : null,
  };
}

/** Small sets are compared whole. */
function kernelOptions<
  S extends { readonly references: FeatureSet; readonly features: FeatureSet },
>(sets: S) {
  const count = Math.min(sets.references.count, sets.features.count);
  return count < 1000 ? { ...sets, subsetSize: count, subsets: 1 } : sets;
}

/** Options of {@link assertEnoughImages}. */
interface EnoughImagesOptions extends Pick<EvalConfig, 'metrics' | 'images'> {
  /** Where they are from. Default: rows. */
  readonly of?: 'images' | 'reference.images';
}

/** Throws {@link InvalidArgumentError} if there are fewer images than a metric needs. */
export function assertEnoughImages({ metrics, images, of = 'images' }: EnoughImagesOptions): void {
  for (const metric of metrics) {
    const { least = 1 } = needsOf(metric);
    if (images >= least) continue;
    throw new InvalidArgumentError({
      argument: of === 'images' ? of : `The number of ${of}`,
      value: images,
      expected: `at least ${least} for ${metric}`,
      fix: `${of === 'images' ? 'Sample more images' : 'Give more pictures'}, or leave ${metric} out; kid has no bias in small sets.`,
    });
  }
}

function pairValues(batch: BatchTensors, partner: string): PairValues[] {
  const { data = new Float32Array(0) } = batch.get(partner) ?? {};
  return Array.from({ length: data.length / 2 }, (_, i) => [
    data[2 * i] as number,
    data[2 * i + 1] as number,
  ]);
}

function featuresIn(
  batch: BatchTensors,
  output: string,
  extractor?: ExtractorIdentity,
): FeatureSet {
  const { shape, data } = batch.get(output) as { shape: readonly number[]; data: Float32Array };
  const [count = 0, dimension = 0] = shape;
  return { data, count, dimension, ...(extractor && { extractor }) };
}

/** Sets of one output as one; nothing of none. */
async function joined(sets: readonly FeatureSet[]): Promise<FeatureSet | undefined> {
  if (sets.length === 0) return undefined;
  const { all } = await collectFeatures(sets.map((set) => ({ all: set })));
  return all;
}

function meanOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
