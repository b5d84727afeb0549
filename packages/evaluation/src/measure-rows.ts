import { join } from 'node:path';
import {
  type Decisions,
  fingerprint,
  type LongCallOptions,
  type PixelImage,
  trackProgress,
} from '@harmonica/core';
import {
  collectFeatures,
  extractFeatures,
  type FeatureExtractor,
  type FeatureSets,
  psnr,
  ssim,
} from '@harmonica/metrics';
import { decodeImages, prepareFolder, sampleLatents } from '@harmonica/pipeline';
import { cacheMethodOf } from '@harmonica/router';
import type { EvalContext, EvalRow } from './rows.js';
import {
  type Batch,
  batchesOf,
  hasShard,
  readShard,
  rowsIn,
  type Shard,
  shardPath,
  stacked,
  writeShard,
} from './shards.js';
import { partOf, type Share } from './share.js';

/** A row, and the runs that its images are compared with one by one. */
export interface PairedRow {
  readonly row: EvalRow;
  readonly uncached: EvalRow;
  /** A run of many steps, if there is one. */
  readonly target?: EvalRow | undefined;
}

/** An extractor, and how it is run. */
export interface RunningExtractor {
  readonly extractor: FeatureExtractor;
  readonly outputs: readonly string[];
  readonly run: NonNullable<Parameters<typeof extractFeatures>[0]['run']>;
}

/** The runs that images are compared with, by what they are to a row. */
export const PARTNERS = ['uncached', 'target'] as const;

/** Options of {@link measureRows}. */
export interface MeasureRowsOptions extends LongCallOptions {
  readonly evaluation: EvalContext;
  readonly rows: readonly PairedRow[];
  /** Absent: no features are wanted. */
  readonly extractor?: RunningExtractor | undefined;
  /** Of latents. */
  readonly latents: string;
  /** Of what is measured. */
  readonly folder: string;
  readonly share: Share;
}

/**
 * Decodes every image of a share of every row and keeps what metrics need of it: PSNR and SSIM to its partners, and its features.
 * Batch by batch, so that images that several rows are compared with are decoded once.
 */
export async function measureRows(options: MeasureRowsOptions): Promise<void> {
  const { evaluation, rows, folder, onProgress, share } = options;
  for (const pair of rows) await prepareFolder(measureFolder(folder, pair, options.extractor));
  const batches = partOf(batchesOf(evaluation.jobs, evaluation.batchSize), share);
  const progress = trackProgress({
    onProgress,
    label: 'measuring',
    total: batches.length * rows.length,
  });
  for (const batch of batches) {
    const imagesOf = rememberedImages(options, batch);
    for (const pair of rows) {
      const own = measureFolder(folder, pair, options.extractor);
      if (!(await hasShard(own, batch))) {
        await writeShard(own, batch, await measureBatch({ options, pair, imagesOf }));
      }
      progress.add();
    }
  }
}

/** What names the files of what was measured. */
type MeasuredOptions = Pick<MeasureRowsOptions, 'evaluation' | 'folder' | 'extractor'>;

/** The files of what is measured of a row. */
export function measuredFiles(options: MeasuredOptions, pair: PairedRow): readonly string[] {
  const { evaluation, folder, extractor } = options;
  const own = measureFolder(folder, pair, extractor);
  const batches = batchesOf(evaluation.jobs, evaluation.batchSize);
  return batches.map((batch) => shardPath(own, batch));
}

/** What was measured of a row, batch by batch. */
export async function* measuredShards(
  options: MeasuredOptions,
  pair: PairedRow,
): AsyncGenerator<Shard> {
  const { evaluation, folder, extractor } = options;
  const own = measureFolder(folder, pair, extractor);
  for (const batch of batchesOf(evaluation.jobs, evaluation.batchSize)) {
    yield await readShard(own, batch);
  }
}

type ImagesOf = (row: EvalRow) => Promise<readonly PixelImage[]>;

function rememberedImages(options: MeasureRowsOptions, batch: Batch): ImagesOf {
  const { evaluation, latents: folder, signal } = options;
  const remembered = new Map<string, Promise<readonly PixelImage[]>>();
  const partners = new Set(
    options.rows.flatMap(({ uncached, target }) => [uncached.key, target?.key]),
  );
  const decode = async (row: EvalRow) => {
    const latents = await latentsOf(folder, row, batch);
    const { pipeline } = evaluation;
    return (await decodeImages({ pipeline, latents, signal })).images;
  };
  return (row) => {
    const images = remembered.get(row.key) ?? decode(row);
    if (partners.has(row.key)) remembered.set(row.key, images);
    return images;
  };
}

interface MeasureBatchInput {
  readonly options: MeasureRowsOptions;
  readonly pair: PairedRow;
  readonly imagesOf: ImagesOf;
}

async function measureBatch(input: MeasureBatchInput): Promise<Shard> {
  const { options, pair, imagesOf } = input;
  const { extractor, signal } = options;
  const images = await imagesOf(pair.row);
  const partners: (readonly PixelImage[] | undefined)[] = [];
  for (const partner of PARTNERS) partners.push(await partnerImages(input, partner));
  // Begun first: the engine runs while pixels are compared.
  const features = extractor && featureTensors({ extractor, images, signal });
  const pairs = PARTNERS.flatMap((partner, k) => {
    const references = partners[k];
    if (!references) return [];
    const values = images.map((image, i) => {
      const both = { image, reference: references[i] as PixelImage };
      return [psnr(both), ssim(both)];
    });
    return [[partner, stacked(values)] as const];
  });
  return new Map([...pairs, ...((await features) ?? [])]);
}

/** The images that those of a row are compared with, unless they are the same. */
async function partnerImages(
  { pair, imagesOf }: Pick<MeasureBatchInput, 'pair' | 'imagesOf'>,
  partner: (typeof PARTNERS)[number],
): Promise<readonly PixelImage[] | undefined> {
  const row = pair[partner];
  return row && row.key !== pair.row.key ? imagesOf(row) : undefined;
}

/** Options of {@link featureTensors}. */
interface FeatureTensorsOptions {
  readonly extractor: RunningExtractor;
  readonly images: readonly PixelImage[];
  readonly signal?: AbortSignal | undefined;
}

/** Features of a batch of images as tensors of a shard, by output. @throws as `extractFeatures` */
export async function featureTensors(options: FeatureTensorsOptions): Promise<Shard> {
  const { extractor, images, signal } = options;
  const sets = await collectFeatures(extractFeatures({ ...extractor, images: [images], signal }));
  return new Map(namedSets(sets));
}

function namedSets(sets: FeatureSets) {
  return Object.entries(sets).map(([name, { data, count, dimension }]) => {
    const values = data instanceof Float32Array ? data : Float32Array.from(data);
    return [name, { shape: [count, dimension], data: values }] as const;
  });
}

function measureFolder(
  folder: string,
  { row, uncached, target }: PairedRow,
  extractor: RunningExtractor | undefined,
): string {
  const key = fingerprint({
    row: row.imagesKey,
    uncached: uncached.imagesKey,
    target: target?.imagesKey ?? null,
    extractor: extractor ? [extractor.extractor.identity.hash, extractor.outputs] : null,
  });
  return join(folder, key.slice(0, 16));
}

/** Options of {@link sampleRow}. */
interface SampleRowOptions extends LongCallOptions, LongCallOptions {
  readonly evaluation: EvalContext;
  readonly row: EvalRow;
  /** Of all rows. */
  readonly folder: string;
  readonly share: Share;
}

/** Samples what is not yet sampled of a row: latents and decisions of every batch of a share. */
export async function sampleRow(options: SampleRowOptions): Promise<void> {
  const { evaluation, row, folder, share, signal, onProgress } = options;
  const { pipeline, guidance, jobs, batchSize } = evaluation;
  const own = rowFolder(folder, row);
  await prepareFolder(own);
  const all = partOf(batchesOf(jobs, batchSize), share);
  const done = await Promise.all(all.map((batch) => hasShard(own, batch)));
  const missing = all.filter((_, i) => !done[i]);
  const total = missing.length * row.plan.steps.length;
  if (total === 0) return;
  const progress = trackProgress({ onProgress, label: row.name, total });
  for (const batch of missing) {
    const { latents, batches } = await sampleLatents({
      pipeline,
      plan: row.plan,
      guidance,
      cacheMethod: cacheMethodOf(row.policy),
      jobs: batch.items,
      batchSize,
      onStep: () => progress.add(),
      signal: signal,
    });
    await writeShard(own, batch, shardOf(latents, batches[0]?.decisions ?? []));
  }
}

/** Latents of a batch of a row that was sampled, one for each image. */
export async function latentsOf(
  folder: string,
  row: EvalRow,
  batch: Batch,
): Promise<readonly Float32Array[]> {
  return rowsIn(await readShard(rowFolder(folder, row), batch), 'latents');
}

/** `[T][N]`: the share of images for which a branch was computed. */
export async function computedFractions(
  folder: string,
  row: EvalRow,
  { jobs, batchSize }: Pick<EvalContext, 'jobs' | 'batchSize'>,
): Promise<readonly (readonly number[])[]> {
  let shares: number[][] = [];
  for (const batch of batchesOf(jobs, batchSize)) {
    const decisions = rowsIn(await readShard(rowFolder(folder, row), batch), 'decisions');
    const weight = batch.items.length / jobs.length;
    shares = decisions.map((step, i) =>
      Array.from(step, (computed, k) => (shares[i]?.[k] ?? 0) + weight * computed),
    );
  }
  return shares.map((step) => step.map((share) => Math.min(1, share)));
}

function rowFolder(folder: string, { key }: EvalRow): string {
  return join(folder, key);
}

function shardOf(latents: readonly Float32Array[], decisions: readonly Decisions[]) {
  return new Map([
    ['latents', stacked(latents)],
    ['decisions', stacked(decisions.map((step) => step.map(Number)))],
  ]);
}
