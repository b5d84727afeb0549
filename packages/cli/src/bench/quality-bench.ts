import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint, planFingerprint } from '@harmonica/core';
import type { PixelImage } from '@harmonica/metrics';
import { withCache } from '@harmonica/router';
import { decodeSafetensors, writeSafetensors } from '@harmonica/weights';
import type { CliContext } from '../cli-context.js';
import { decodeImages } from '../decode-images.js';
import { imageCloseness } from '../image-closeness.js';
import { isFile } from '../is-file.js';
import { prepareFolder, writeOutput } from '../output-files.js';
import { cacheRecord } from '../run-manifest.js';
import type { RunSetting } from '../run-setting.js';
import type { ImageJob } from '../sample-latents.js';
import { sampleWithProgress } from '../sample-with-progress.js';
import type { Session } from '../session.js';
import type { QualityRow } from './quality-rows.js';

/** How close one way to sample comes. PSNR in dB, means over the images; null where all are identical. */
export interface QualityResult {
  readonly name: string;
  readonly steps: number;
  readonly cacheUtilization: number;
  /** By MACs, against the uncached run. */
  readonly theoreticalSpeedUp: number;
  readonly psnrToUncached: number | null;
  readonly ssimToUncached: number;
  readonly psnrToReference: number | null;
  readonly ssimToReference: number;
}

/** Options of {@link qualityBench}. */
export interface QualityBenchOptions {
  readonly session: Session;
  readonly guidance: RunSetting['guidance'];
  /** The first is the uncached run that the others are held against. */
  readonly rows: readonly QualityRow[];
  /** Uncached, with many steps. */
  readonly reference: QualityRow;
  readonly jobs: readonly ImageJob[];
  readonly batchSize: number;
  /** Latents and results of finished rows are kept here and found again. */
  readonly folder: string;
  readonly context: CliContext;
  readonly onRow?: (result: QualityResult) => void;
}

/**
 * Samples the same seeds in every way and compares decoded images pair by pair, with the uncached run of as many steps
 * and with a run of many steps. Takes long; a run that was stopped goes on from its last finished row.
 */
export async function qualityBench(options: QualityBenchOptions): Promise<QualityResult[]> {
  await prepareFolder(options.folder);
  const [uncached, ...others] = options.rows as [QualityRow, ...QualityRow[]];
  const images = rememberImages(options);
  const results: QualityResult[] = [];
  for (const row of [uncached, ...others]) {
    const path = join(options.folder, `${row.name}-${resultKey(options, row)}.json`);
    const result = (await readResult(path)) ?? (await compare({ options, row, uncached, images }));
    await writeOutput(path, `${JSON.stringify(result)}\n`);
    results.push(result);
    options.onRow?.(result);
  }
  return results;
}

type ImagesOf = (row: QualityRow) => Promise<readonly PixelImage[]>;

async function compare(input: {
  readonly options: QualityBenchOptions;
  readonly row: QualityRow;
  readonly uncached: QualityRow;
  readonly images: ImagesOf;
}): Promise<QualityResult> {
  const { options, row, uncached, images } = input;
  const references = await images(options.reference);
  const originals = await images(uncached);
  const candidates = await images(row);
  const toUncached = imageCloseness({ references: originals, images: candidates });
  const toReference = imageCloseness({ references, images: candidates });
  const { spec } = options.session.executor;
  const saved = row.schedule && cacheRecord({ name: row.name, schedule: row.schedule, spec });
  return {
    name: row.name,
    steps: row.plan.steps.length,
    cacheUtilization: saved?.cacheUtilization ?? 0,
    theoreticalSpeedUp:
      saved?.theoreticalSpeedUp ?? uncached.plan.steps.length / row.plan.steps.length,
    psnrToUncached: finite(toUncached.psnrDb),
    ssimToUncached: toUncached.ssim,
    psnrToReference: finite(toReference.psnrDb),
    ssimToReference: toReference.ssim,
  };
}

/** Images of a row; those that every row is held against are decoded once. */
function rememberImages(options: QualityBenchOptions): ImagesOf {
  const remembered = new Map<QualityRow, Promise<readonly PixelImage[]>>();
  return (row) => {
    const isReference = row === options.reference || row === options.rows[0];
    const images = remembered.get(row) ?? decodeRow(options, row);
    if (isReference) remembered.set(row, images);
    return images;
  };
}

async function decodeRow(
  options: QualityBenchOptions,
  row: QualityRow,
): Promise<readonly PixelImage[]> {
  const { session, context } = options;
  const latents = await latentsOf(options, row);
  return (await decodeImages({ session, latents, context })).images;
}

/** Latents of a row, from its file if it was sampled before. */
async function latentsOf(
  options: QualityBenchOptions,
  row: QualityRow,
): Promise<readonly Float32Array[]> {
  const { session, guidance, jobs, batchSize, folder, context } = options;
  const path = join(folder, `${row.name}-${rowKey(options, row)}.safetensors`);
  const size = latentSize(session);
  if (await isFile(path)) {
    const { data } = decodeSafetensors(await readFile(path)).tensors.get('latents') ?? {};
    if (data) return jobs.map((_, i) => data.slice(i * size, (i + 1) * size));
  }
  const { latents } = await sampleWithProgress({
    session,
    setting: { plan: row.plan, ...(guidance && { guidance }) },
    cacheMethod: row.schedule && withCache({ schedule: row.schedule }),
    jobs,
    batchSize,
    context,
    label: row.name,
  });
  const data = new Float32Array(latents.length * size);
  for (const [i, latent] of latents.entries()) data.set(latent, i * size);
  const shape = [latents.length, size];
  await writeSafetensors(path, { tensors: new Map([['latents', { shape, data }]]) });
  return latents;
}

function latentSize({ executor }: Session): number {
  const { height, width, channels } = executor.spec.latent;
  return height * width * channels;
}

/** Everything that a row's latents depend on, in eight digits. */
function rowKey(options: QualityBenchOptions, { plan, schedule }: QualityRow): string {
  const { session, guidance = null, jobs } = options;
  const { table = null, predictor = null } = schedule ?? {};
  const key = fingerprint({
    model: session.model.sha256,
    engine: session.backend.name,
    plan: planFingerprint(plan),
    table,
    predictor,
    guidance,
    jobs,
  });
  return key.slice(0, 8);
}

/** Everything that a row's result depends on, in eight digits. */
function resultKey(options: QualityBenchOptions, row: QualityRow): string {
  const rows = [row, options.rows[0] as QualityRow, options.reference];
  return fingerprint(rows.map((each) => rowKey(options, each))).slice(0, 8);
}

async function readResult(path: string): Promise<QualityResult | undefined> {
  if (!(await isFile(path))) return undefined;
  return JSON.parse(await readFile(path, 'utf8')) as QualityResult;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
