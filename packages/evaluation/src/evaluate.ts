import { join } from 'node:path';
import { ConfigError, type LongCallOptions, trackProgress } from '@harmonica/core';
import {
  imageJobs,
  type Pipeline,
  prepareFolder,
  recordEngine,
  seedsFrom,
  timedOn,
} from '@harmonica/pipeline';
import type { CostModel } from '@harmonica/router';
import type { EvalConfig, MetricName } from './config.js';
import { withExtractor } from './extractor.js';
import { resolveRows } from './groups.js';
import {
  type MeasureRowsOptions,
  measuredBatches,
  measuredFiles,
  measureRows,
  type RunningExtractor,
  sampleRow,
  withSavings,
} from './measure-rows.js';
import { remembered } from './memo.js';
import { gatherRow, outputsFor, qualityOf } from './quality.js';
import {
  imagesReference,
  type Reference,
  sampledReference,
  statisticsReference,
} from './reference.js';
import {
  distinctRows,
  type EvalOutcome,
  type EvalRow,
  type FinishedRow,
  type MissedTarget,
  type RowQuality,
  uncachedOf,
} from './row.js';
import { type EvalContext, evalContext, uncachedRow } from './rows.js';
import { partOf, type Share, WHOLE, waitForFiles } from './share.js';
import { measureBranchCosts, timeRows } from './speed.js';

/** Options of {@link runEval}. */
export interface RunEvalOptions extends LongCallOptions {
  readonly config: EvalConfig;
  readonly pipeline: Pipeline;
  /** Default: that of the configuration, if a metric needs features. */
  readonly extractor?: RunningExtractor | undefined;
  /** Everything that is made is kept here and found again. */
  readonly folder: string;
}

/** An evaluation that is done. */
export interface FinishedEval {
  readonly outcome: EvalOutcome;
  readonly provenance: EvalProvenance;
  readonly evaluation: EvalContext;
  /** What branches take here, in ms for a batch; null if nothing is timed, or the engine does not say when it is done. */
  readonly costs: CostModel | null;
  /** Where latents are, for `latentsOf`. */
  readonly latents: string;
}

/**
 * Scores every row of a configuration: samples it, decodes and measures its images, and times it. All rows have the same
 * seeds and labels. Whatever is finished is kept under the fingerprint of what it depends on, so that a run that was
 * stopped, or whose configuration has grown, goes on from there.
 *
 * @throws typed errors for whatever of the configuration is not possible, before anything long is begun
 */
export function runEval(options: RunEvalOptions): Promise<FinishedEval> {
  return extracting(options, runWhole);
}

async function runWhole(options: PrepareEvalOptions): Promise<FinishedEval> {
  const { config, pipeline, extractor } = options;
  const prepared = await prepareEval(options);
  const { evaluation, missed, target, reference, folders } = prepared;
  await measureImages(prepared);
  const costs = await rememberedCosts(options, prepared);
  const timed = await timedRows(options, prepared);
  const rows: FinishedRow[] = [];
  for (const row of await scoreRows(prepared, timed, config.metrics)) {
    rows.push(await withSavings(row, { evaluation, folder: folders.latents }));
  }
  const outcome = {
    model: pipeline.executor.spec.name,
    guidance: evaluation.guidance?.scale ?? 1,
    images: config.images,
    extractor: extractor?.extractor.identity.name ?? null,
    reference: reference?.name ?? null,
    target: target?.name ?? null,
    rows,
    missed,
  };
  const provenance = provenanceOf(prepared);
  return { outcome, provenance, evaluation, costs, latents: folders.latents };
}

/**
 * Does one share of the work of {@link runEval}, beside processes that do the others in the same folder: batches of all
 * rows and of the reference first, then, once all shares have done theirs, scores of rows. Nothing is timed.
 *
 * @throws as {@link runEval}, and {@link InvalidArgumentError} if a knob is not tuned yet
 */
export function runEvalShare(options: RunEvalOptions & { readonly share: Share }): Promise<void> {
  return extracting(options, runShare);
}

/** Runs with the extractor that is given, or that of the configuration. */
async function extracting<T, Options extends RunEvalOptions>(
  options: Options,
  use: (options: Options) => Promise<T>,
): Promise<T> {
  const { config, pipeline, extractor, signal } = options;
  if (!pipeline.decoder) throw withoutImages(config.model);
  if (extractor) return use(options);
  return withExtractor({
    name: config.extractor,
    outputs: outputsFor(config.metrics),
    backend: pipeline.backend,
    signal,
    use: (loaded) => use({ ...options, extractor: loaded }),
  });
}

async function runShare(options: RunEvalOptions & { readonly share: Share }): Promise<void> {
  const { signal, onProgress, share } = options;
  const prepared = await prepareEval(options);
  const { reference } = prepared;
  await measureImages(prepared);
  const rows = partOf(prepared.rows, share);
  const wait = (paths: readonly string[], label: string) =>
    waitForFiles({ paths, label, signal, onProgress });
  await wait(filesFor(prepared, rows), 'waiting for other shares');
  // One share makes what all need of the reference.
  if (share.index === 0) await reference?.load();
  else await wait(reference?.made ?? [], 'waiting for share 1');
  await scoreRows(prepared, rows, options.config.metrics);
}

/** Rows with their quality, each scored once. */
async function scoreRows(
  prepared: PreparedEval,
  rows: readonly EvalRow[],
  metrics: readonly MetricName[],
) {
  const { onProgress } = prepared.measurement;
  const scored: (EvalRow & { readonly quality: RowQuality })[] = [];
  const progress = trackProgress({ onProgress, label: 'scoring', total: rows.length });
  for (const row of rows) {
    scored.push({ ...row, quality: await rememberedQuality(prepared, row, metrics) });
    progress.add();
  }
  return scored;
}

async function rememberedQuality(
  { measurement, reference, folders }: PreparedEval,
  row: EvalRow,
  metrics: readonly MetricName[],
): Promise<RowQuality> {
  const { evaluation, extractor, signal } = measurement;
  const identity = extractor?.extractor.identity;
  const key = {
    row: row.imagesKey,
    uncached: uncachedOf(row).imagesKey,
    target: row.target?.imagesKey ?? null,
    reference: reference?.key ?? null,
    metrics,
    extractor: identity?.hash ?? null,
  };
  const make = async () => {
    const gathered = await gatherRow({
      measured: measuredBatches(measurement, row),
      uncached: row.uncached && measuredBatches(measurement, row.uncached),
      metrics,
      identity,
      images: evaluation.jobs.length,
    });
    return qualityOf({ row: gathered, reference: await reference?.load(), metrics, signal });
  };
  return remembered({ folder: folders.quality, key, make });
}

/** Samples and measures every image of the share. */
async function measureImages(prepared: PreparedEval): Promise<void> {
  const { evaluation, measurement, target, reference, folders, share } = prepared;
  const { signal, onProgress } = measurement;
  for (const row of distinctRows([...(target ? [target] : []), ...measurement.rows])) {
    await sampleRow({ evaluation, row, folder: folders.latents, share, signal, onProgress });
  }
  await measureRows(measurement);
  await reference?.measure();
}

/** What all shares have to have measured before some rows can be scored. */
function filesFor(prepared: PreparedEval, rows: readonly EvalRow[]): readonly string[] {
  const { measurement, reference } = prepared;
  const all = rows.flatMap((row) => [row, uncachedOf(row)]);
  const files = all.flatMap((row) => measuredFiles(measurement, row));
  return [...new Set([...files, ...(reference?.measured ?? [])])];
}

/** Rows with their latencies, measured together or not at all. */
async function timedRows(
  { config, signal, onProgress }: RunEvalOptions,
  { evaluation, rows, folders }: PreparedEval,
): Promise<readonly EvalRow[]> {
  if (!config.latency) return rows;
  const { batch: images, repeats } = config.latency;
  const keys = rows.map((row) => [uncachedOf(row).key, row.key]);
  const key = { keys, images, repeats, machine: timedOn(evaluation.engine) };
  const make = () => timeRows({ evaluation, rows, images, repeats, signal, onProgress });
  const latencies = await remembered({ folder: folders.speed, key, make });
  return rows.map((row, i) => ({ ...row, latency: latencies[i] }));
}

/** What branches take, measured once. */
async function rememberedCosts(
  { config, pipeline, signal }: RunEvalOptions,
  { evaluation, rows, folders }: PreparedEval,
): Promise<CostModel | null> {
  const uncached = rows[0] as EvalRow;
  if (!config.latency || pipeline.backend.name === 'webgpu') return null;
  const { batch: images } = config.latency;
  const key = { costs: uncached.key, images, machine: timedOn(evaluation.engine) };
  const make = () => measureBranchCosts({ evaluation, uncached, images, signal });
  return remembered({ folder: folders.speed, key, make });
}

/** Options of {@link prepareEval}. */
interface PrepareEvalOptions extends RunEvalOptions {
  /** Of several processes that work in the folder. Nothing is timed then. Default: there is but one. */
  readonly share?: Share | undefined;
}

/** What an evaluation is to do. */
interface PreparedEval {
  readonly evaluation: EvalContext;
  /** The rows of all groups, and those that there are not. */
  readonly rows: readonly EvalRow[];
  readonly missed: readonly MissedTarget[];
  /** The run of many steps that images are compared with one by one. */
  readonly target: EvalRow | undefined;
  /** Absent: there are no features, or nothing to compare them with. */
  readonly reference: Reference | undefined;
  /** Of the rows, and of the reference if that is a run. */
  readonly measurement: MeasureRowsOptions;
  readonly folders: EvalFolders;
  readonly share: Share;
}

const FOLDERS = ['latents', 'measured', 'references', 'quality', 'speed'] as const;

/** Where what is made is kept. */
type EvalFolders = Readonly<Record<(typeof FOLDERS)[number], string>>;

/**
 * Looks at everything that a configuration names and tunes its knobs.
 *
 * @throws typed errors for whatever of it is not possible
 */
async function prepareEval(options: PrepareEvalOptions): Promise<PreparedEval> {
  const { config, extractor, signal, onProgress, share = WHOLE } = options;
  const folders = await prepareFolders(options.folder);
  const evaluation = await evaluationOf(options);
  const run = config.reference && 'steps' in config.reference ? config.reference : undefined;
  const sampled = run && (await uncachedRow(evaluation, run));
  const target = config.target ? await uncachedRow(evaluation, config.target) : sampled;
  const given = await givenReference(options, folders);
  const { rows, missed } = await resolveRows({
    ...options,
    evaluation,
    target,
    folder: folders.speed,
  });
  const alone = extractor && sampled;
  const measurement = {
    evaluation,
    rows: alone ? [alone, ...rows] : rows,
    extractor,
    latents: folders.latents,
    folder: folders.measured,
    signal,
    onProgress,
    share,
  };
  const { references } = folders;
  const reference = alone
    ? sampledReference({ row: alone, measurement, metrics: config.metrics, references })
    : given;
  return { evaluation, rows, missed, target, reference, measurement, folders, share };
}

function withoutImages(model: string): ConfigError {
  const message = `${model} has no autoencoder beside it: name one, because images are compared`;
  return new ConfigError({ source: 'configuration', issues: [{ path: 'vae', message }] });
}

async function prepareFolders(folder: string): Promise<EvalFolders> {
  const entries = FOLDERS.map((name) => [name, join(folder, name)] as const);
  for (const [, path] of entries) await prepareFolder(path);
  return Object.fromEntries(entries) as EvalFolders;
}

async function evaluationOf({ config, pipeline }: PrepareEvalOptions): Promise<EvalContext> {
  const { images, seeds: first = 0, classes } = config;
  const seeds = seedsFrom(first, images);
  const jobs = imageJobs({ seeds, conditions: classes }, pipeline.model.conditions);
  return evalContext({ config, pipeline, jobs, engine: await recordEngine(pipeline.backend) });
}

/** The reference that is given as files, if it is. */
async function givenReference(
  { config, extractor, signal, onProgress, share = WHOLE }: PrepareEvalOptions,
  { measured: folder, references }: EvalFolders,
): Promise<Reference | undefined> {
  const { reference, metrics, images, batch: batchSize } = config;
  if (!reference || !extractor) return undefined;
  if ('images' in reference) {
    const wanted = { path: reference.images, extractor, metrics, images, batchSize };
    return imagesReference({ ...wanted, folder, references, share, signal, onProgress });
  }
  if ('statistics' in reference) {
    return statisticsReference({ path: reference.statistics, extractor, metrics });
  }
  return undefined;
}

/** The provenance of an evaluation. */
function provenanceOf({ evaluation, measurement, reference }: PreparedEval) {
  const { engine, pipeline } = evaluation;
  const { sha256, architectureSha256, decoder, conditions } = pipeline.model;
  return {
    engine,
    model: {
      name: pipeline.executor.spec.name,
      /** `hashFiles` of the transformer. */
      sha256,
      architectureSha256: architectureSha256 ?? null,
      decoder: decoder ?? null,
      promptsSha256: conditions.sha256 ?? null,
    },
    extractor: measurement.extractor?.extractor.identity ?? null,
    reference: reference ? { name: reference.name, sha256: reference.sha256 } : null,
  };
}

/**
 * What all rows of an evaluation come from, besides their plans and policies. Plain JSON; what there is not is null.
 *
 * @interface
 */
export type EvalProvenance = ReturnType<typeof provenanceOf>;
