import { join } from 'node:path';
import { type LongCallOptions, planFingerprint } from '@harmonica/core';
import type { ExtractorIdentity } from '@harmonica/metrics';
import {
  type DecoderIdentity,
  type EngineRecord,
  imageJobs,
  type Pipeline,
  prepareFolder,
  recordEngine,
  seedsFrom,
  timedOn,
} from '@harmonica/pipeline';
import type { CostModel } from '@harmonica/router';
import type { EvalConfig } from './config.js';
import { type EvalGroup, resolveGroups, type TunedRow } from './groups.js';
import {
  computedFractions,
  type MeasureRowsOptions,
  measuredFiles,
  measureRows,
  type PairedRow,
  type RunningExtractor,
  sampleRow,
} from './measure-rows.js';
import type { RowQuality } from './quality.js';
import {
  imagesReference,
  type Reference,
  sampledReference,
  statisticsReference,
} from './reference.js';
import type { EvalOutcome, EvalResult } from './result.js';
import { type EvalContext, type EvalRow, evalContext, uncachedRow } from './rows.js';
import { scoreRows } from './score-rows.js';
import { remembered } from './shards.js';
import { partOf, type Share, WHOLE, waitForFiles } from './share.js';
import { measureBranchCosts, type RowLatency, savingsOf, timeRows } from './speed.js';

/** Options of {@link runEval}. */
export type RunEvalOptions = Omit<PrepareEvalOptions, 'share'>;

/** An evaluation that is done. */
export interface FinishedEval {
  readonly outcome: EvalOutcome;
  readonly provenance: EvalProvenance;
  readonly evaluation: EvalContext;
  readonly groups: readonly EvalGroup[];
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
export async function runEval(options: RunEvalOptions): Promise<FinishedEval> {
  const { config, pipeline, extractor } = options;
  const prepared = await prepareEval(options);
  const { evaluation, groups, rows, target, reference, folders } = prepared;
  await measureImages(prepared);
  const speed = { options, prepared };
  const costs = await rememberedCosts(speed);
  const latencies = config.latency ? await rememberedLatencies(speed, config.latency) : [];
  const { metrics } = config;
  const qualities = await scoreRows({ ...prepared, metrics, folder: folders.quality });
  const results: EvalResult[] = [];
  for (const [i, row] of rows.entries()) {
    const quality = qualities[i] as RowQuality;
    const shares = await computedFractions(folders.latents, row.row, evaluation);
    results.push(resultOf({ options, row, quality, shares, latency: latencies[i] }));
  }
  const outcome = {
    model: pipeline.executor.spec.name,
    guidance: evaluation.guidance?.scale ?? 1,
    extractor: extractor?.extractor.identity.name ?? null,
    reference: reference?.name ?? null,
    target: target?.name ?? null,
    results,
    missed: groups.flatMap(({ missed }) => missed),
  };
  const provenance = provenanceOf(prepared);
  return { outcome, provenance, evaluation, groups, costs, latents: folders.latents };
}

/**
 * Does one share of the work of {@link runEval}, beside processes that do the others in the same folder: batches of all
 * rows and of the reference first, then, once all shares have done theirs, scores of rows. Nothing is timed.
 *
 * @throws as {@link runEval}, and {@link InvalidArgumentError} if a knob is not tuned yet
 */
export async function runEvalShare(
  options: RunEvalOptions & { readonly share: Share },
): Promise<void> {
  const { signal, onProgress, share } = options;
  const { metrics } = options.config;
  const prepared = await prepareEval(options);
  const { reference, folders } = prepared;
  await measureImages(prepared);
  const rows = partOf(prepared.rows, share);
  await waitForFiles({
    paths: filesFor(prepared, rows),
    label: 'waiting for other shares',
    signal,
    onProgress,
  });
  // One share makes what all need of the reference.
  if (share.index === 0) await reference?.load();
  else
    await waitForFiles({
      paths: reference?.made ?? [],
      label: 'waiting for share 1',
      signal,
      onProgress,
    });
  await scoreRows({ ...prepared, rows, metrics, folder: folders.quality });
}

/** Samples and measures every image of the share. */
async function measureImages(prepared: PreparedEval): Promise<void> {
  const { evaluation, measurement, target, reference, folders, share } = prepared;
  const { signal, onProgress } = measurement;
  const sampled = [...(target ? [target] : []), ...measurement.rows.map(({ row }) => row)];
  for (const row of distinct(sampled)) {
    await sampleRow({ evaluation, row, folder: folders.latents, share, signal, onProgress });
  }
  await measureRows(measurement);
  await reference?.measure();
}

function distinct(rows: readonly EvalRow[]): readonly EvalRow[] {
  return [...new Map(rows.map((row) => [row.key, row])).values()];
}

/** What all shares have to have measured before some rows can be scored. */
function filesFor(prepared: PreparedEval, rows: readonly ScoredRow[]): readonly string[] {
  const { measurement, reference } = prepared;
  const pairs = rows.flatMap((pair) => [pair, { ...pair, row: pair.uncached }]);
  const files = pairs.flatMap((pair) => measuredFiles(measurement, pair));
  return [...new Set([...files, ...(reference?.measured ?? [])])];
}

/** What is timed, and on what. */
interface SpeedOptions {
  readonly options: RunEvalOptions;
  readonly prepared: PreparedEval;
}

/** Latencies of all rows in their order, measured together or not at all. */
async function rememberedLatencies(
  { options: { signal, onProgress }, prepared: { evaluation, rows, folders } }: SpeedOptions,
  { batch: images, repeats }: Exclude<EvalConfig['latency'], false>,
): Promise<readonly RowLatency[]> {
  const keys = rows.map(({ row, uncached }) => [uncached.key, row.key]);
  const key = { keys, images, repeats, machine: timedOn(evaluation.engine) };
  const make = () => timeRows({ evaluation, rows, images, repeats, signal, onProgress });
  return remembered({ folder: folders.speed, key, make });
}

/** What branches take, measured once. */
async function rememberedCosts({ options, prepared }: SpeedOptions): Promise<CostModel | null> {
  const { config, pipeline, signal } = options;
  const { evaluation, rows, folders } = prepared;
  const { uncached } = rows[0] as ScoredRow;
  if (!config.latency || pipeline.backend.name === 'webgpu') return null;
  const { batch: images } = config.latency;
  const key = { costs: uncached.key, images, machine: timedOn(evaluation.engine) };
  const make = () => measureBranchCosts({ evaluation, uncached, images, signal });
  return remembered({ folder: folders.speed, key, make });
}

function resultOf(input: {
  readonly options: RunEvalOptions;
  readonly row: ScoredRow;
  readonly quality: RowQuality;
  readonly shares: readonly (readonly number[])[];
  readonly latency: RowLatency | undefined;
}): EvalResult {
  const { options, row: scored, quality, shares, latency = null } = input;
  const { group, row, uncached, tuned } = scored;
  const { spec } = options.pipeline.executor;
  return {
    group,
    name: row.name,
    method: row.method,
    isUncached: row.key === uncached.key,
    key: row.key,
    planSha256: planFingerprint(row.plan),
    policyFiles: row.policyFiles,
    sampler: row.plan.sampler,
    steps: row.plan.steps.length,
    images: options.config.images,
    savings: savingsOf(shares, spec, uncached.plan.steps.length),
    quality,
    latency,
    tuned,
  };
}

/** Options of {@link prepareEval}. */
interface PrepareEvalOptions extends LongCallOptions {
  readonly config: EvalConfig;
  readonly pipeline: Pipeline;
  /** Absent if no metric needs features. */
  readonly extractor?: RunningExtractor | undefined;
  /** Everything that is made is kept here and found again. */
  readonly folder: string;
  /** Of several processes that work in the folder. Nothing is timed then. Default: there is but one. */
  readonly share?: Share | undefined;
}

/** What an evaluation is to do. */
interface PreparedEval {
  readonly evaluation: EvalContext;
  readonly groups: readonly EvalGroup[];
  /** The rows of all groups. */
  readonly rows: readonly ScoredRow[];
  /** The run of many steps that images are compared with one by one. */
  readonly target: EvalRow | undefined;
  /** Absent: there are no features, or nothing to compare them with. */
  readonly reference: Reference | undefined;
  /** Of the rows, and of the reference if that is a run. */
  readonly measurement: MeasureRowsOptions;
  readonly folders: EvalFolders;
  readonly share: Share;
}

/** A row of a group, and the runs that it is compared with. */
interface ScoredRow extends PairedRow {
  readonly group: string;
  readonly tuned: TunedRow['tuned'];
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
  const groups = await resolveGroups({ ...options, evaluation, folder: folders.speed });
  const rows = groups.flatMap((group) => scoredRows(group, target));
  const alone = sampled && extractor ? { row: sampled, uncached: sampled } : undefined;
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
    ? sampledReference({ pair: alone, measurement, metrics: config.metrics, references })
    : given;
  return { evaluation, groups, rows, target, reference, measurement, folders, share };
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
    const kept = { folder, references, share };
    return imagesReference({
      path: reference.images,
      extractor,
      metrics,
      images,
      batchSize,
      ...kept,
      signal,
      onProgress,
    });
  }
  if ('statistics' in reference) {
    return statisticsReference({ path: reference.statistics, extractor, metrics });
  }
  return undefined;
}

/** The uncached run of a group first, then the others. */
function scoredRows(group: EvalGroup, target: EvalRow | undefined): readonly ScoredRow[] {
  const { name, uncached, rows } = group;
  return [{ row: uncached, tuned: null }, ...rows].map((each) => ({
    ...each,
    group: name,
    uncached,
    target,
  }));
}

/** What all rows of an evaluation come from, besides their plans and policies. Plain JSON; what there is not is null. */
export interface EvalProvenance {
  readonly engine: EngineRecord;
  readonly model: {
    readonly name: string;
    /** `hashFiles` of the transformer. */
    readonly sha256: string;
    readonly architectureSha256: string | null;
    readonly decoder: DecoderIdentity | null;
    readonly promptsSha256: string | null;
  };
  readonly extractor: ExtractorIdentity | null;
  readonly reference: { readonly name: string; readonly sha256: string } | null;
}

/** The provenance of an evaluation. */
function provenanceOf(prepared: PreparedEval): EvalProvenance {
  const { evaluation, measurement, reference } = prepared;
  const { engine, pipeline } = evaluation;
  const { sha256, architectureSha256, decoder, conditions } = pipeline.model;
  return {
    engine,
    model: {
      name: pipeline.executor.spec.name,
      sha256,
      architectureSha256: architectureSha256 ?? null,
      decoder: decoder ?? null,
      promptsSha256: conditions.sha256 ?? null,
    },
    extractor: measurement.extractor?.extractor.identity ?? null,
    reference: reference ? { name: reference.name, sha256: reference.sha256 } : null,
  };
}
