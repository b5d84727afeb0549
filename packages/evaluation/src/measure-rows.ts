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
  psnr,
  ssim,
} from '@harmonica/metrics';
import { decodeImages, prepareFolder, sampleLatents } from '@harmonica/pipeline';
import { cacheMethodOf } from '@harmonica/router';
import {
  type Batch,
  type BatchTensors,
  batchesOf,
  batchPath,
  hasBatch,
  readBatch,
  rowsIn,
  stacked,
  writeBatch,
} from './batches.js';
import { type EvalRow, uncachedOf } from './row.js';
import type { EvalContext } from './rows.js';
import { partOf, type Share } from './share.js';
import { savingsOf } from './speed.js';

/** An extractor, and how it is run. */
export interface RunningExtractor {
  readonly extractor: FeatureExtractor;
  readonly outputs: readonly string[];
  /** Features of images, by output. */
  readonly run: NonNullable<Parameters<typeof extractFeatures>[0]['run']>;
}

/** The runs that images are compared with, by what they are to a row. */
export const PARTNERS = ['uncached', 'target'] as const;

/** Options of {@link measureRows}. */
export interface MeasureRowsOptions extends LongCallOptions {
  readonly evaluation: EvalContext;
  readonly rows: readonly EvalRow[];
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
  for (const row of rows) await prepareFolder(measureFolder(folder, row, options.extractor));
  const batches = partOf(batchesOf(evaluation.jobs, evaluation.batchSize), share);
  const progress = trackProgress({
    onProgress,
    label: 'measuring',
    total: batches.length * rows.length,
  });
  for (const batch of batches) {
    const imagesOf = rememberedImages(options, batch);
    for (const row of rows) {
      const own = measureFolder(folder, row, options.extractor);
      if (!(await hasBatch(own, batch))) {
        await writeBatch(own, batch, await measureBatch({ options, row, imagesOf }));
      }
      progress.add();
    }
  }
}

/** What names the files of what was measured. */
type MeasuredOptions = Pick<MeasureRowsOptions, 'evaluation' | 'folder' | 'extractor'>;

/** The files of what is measured of a row. */
export function measuredFiles(options: MeasuredOptions, row: EvalRow): readonly string[] {
  const { evaluation, folder, extractor } = options;
  const own = measureFolder(folder, row, extractor);
  const batches = batchesOf(evaluation.jobs, evaluation.batchSize);
  return batches.map((batch) => batchPath(own, batch));
}

/** What was measured of a row, batch by batch. */
export async function* measuredBatches(
  options: MeasuredOptions,
  row: EvalRow,
): AsyncGenerator<BatchTensors> {
  const { evaluation, folder, extractor } = options;
  const own = measureFolder(folder, row, extractor);
  for (const batch of batchesOf(evaluation.jobs, evaluation.batchSize)) {
    yield await readBatch(own, batch);
  }
}

type ImagesOf = (row: EvalRow) => Promise<readonly PixelImage[]>;

function rememberedImages(options: MeasureRowsOptions, batch: Batch): ImagesOf {
  const { evaluation, latents: folder, signal } = options;
  const remembered = new Map<string, Promise<readonly PixelImage[]>>();
  const partners = new Set(options.rows.flatMap((row) => [uncachedOf(row).key, row.target?.key]));
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
  readonly row: EvalRow;
  readonly imagesOf: ImagesOf;
}

async function measureBatch(input: MeasureBatchInput): Promise<BatchTensors> {
  const { options, row, imagesOf } = input;
  const { extractor, signal } = options;
  const images = await imagesOf(row);
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
  { row, imagesOf }: Pick<MeasureBatchInput, 'row' | 'imagesOf'>,
  partner: (typeof PARTNERS)[number],
): Promise<readonly PixelImage[] | undefined> {
  const { [partner]: other } = row;
  return other && other.key !== row.key ? imagesOf(other) : undefined;
}

/** Options of {@link featureTensors}. */
interface FeatureTensorsOptions {
  readonly extractor: RunningExtractor;
  readonly images: readonly PixelImage[];
  readonly signal?: AbortSignal | undefined;
}

/** Features of a batch of images as tensors of a batch, by output. @throws as `extractFeatures` */
export async function featureTensors(options: FeatureTensorsOptions): Promise<BatchTensors> {
  const { extractor, images, signal } = options;
  const sets = await collectFeatures(extractFeatures({ ...extractor, images: [images], signal }));
  const tensors = Object.entries(sets).map(([name, { data, count, dimension }]) => {
    const values = data instanceof Float32Array ? data : Float32Array.from(data);
    return [name, { shape: [count, dimension], data: values }] as const;
  });
  return new Map(tensors);
}

function measureFolder(
  folder: string,
  row: EvalRow,
  extractor: RunningExtractor | undefined,
): string {
  const key = fingerprint({
    row: row.imagesKey,
    uncached: uncachedOf(row).imagesKey,
    target: row.target?.imagesKey ?? null,
    extractor: extractor ? [extractor.extractor.identity.hash, extractor.outputs] : null,
  });
  return join(folder, key.slice(0, 16));
}

/** Options of {@link sampleRow}. */
interface SampleRowOptions extends LongCallOptions {
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
  const done = await Promise.all(all.map((batch) => hasBatch(own, batch)));
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
      signal,
    });
    await writeBatch(own, batch, tensorsOf(latents, batches[0]?.decisions ?? []));
  }
}

/** Latents of a batch of a row that was sampled, one for each image. */
export async function latentsOf(
  folder: string,
  row: EvalRow,
  batch: Batch,
): Promise<readonly Float32Array[]> {
  return rowsIn(await readBatch(rowFolder(folder, row), batch), 'latents');
}

/** A row that was sampled, with what was computed and what that saves. */
export async function withSavings<Row extends EvalRow>(
  row: Row,
  { evaluation, folder }: Pick<SampleRowOptions, 'evaluation' | 'folder'>,
) {
  const { pipeline, jobs, batchSize } = evaluation;
  let sums: number[][] = [];
  for (const batch of batchesOf(jobs, batchSize)) {
    const decisions = rowsIn(await readBatch(rowFolder(folder, row), batch), 'decisions');
    const weight = batch.items.length / jobs.length;
    sums = decisions.map((step, i) =>
      Array.from(step, (isComputed, k) => (sums[i]?.[k] ?? 0) + weight * isComputed),
    );
  }
  const computed = sums.map((step) => step.map((fraction) => Math.min(1, fraction)));
  const steps = uncachedOf(row).plan.steps.length;
  return { ...row, computed, savings: savingsOf(computed, pipeline.executor.spec, steps) };
}

function rowFolder(folder: string, { key }: EvalRow): string {
  return join(folder, key);
}

function tensorsOf(latents: readonly Float32Array[], decisions: readonly Decisions[]) {
  return new Map([
    ['latents', stacked(latents)],
    ['decisions', stacked(decisions.map((step) => step.map(Number)))],
  ]);
}
