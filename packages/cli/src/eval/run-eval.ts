import { join } from 'node:path';
import { fingerprint } from '@harmonica/core';
import type { CostModel } from '@harmonica/router';
import { thisMachine } from '../bench/bench-record.js';
import type { CliContext } from '../cli-context.js';
import { numberedJobs } from '../image-jobs.js';
import { prepareFolder } from '../output-files.js';
import type { Session } from '../session.js';
import { measureBranchCosts } from './branch-costs.js';
import type { EvalConfig } from './eval-config.js';
import { type EvalGroup, resolveGroups, type TunedRow } from './eval-groups.js';
import { imagesReference, type Reference, statisticsReference } from './eval-reference.js';
import type { EvalOutcome, EvalResult } from './eval-result.js';
import { type EvalContext, type EvalRow, evalContext, uncachedRow } from './eval-rows.js';
import { once, remembered } from './memo.js';
import { referenceSet } from './reference-set.js';
import {
  type MeasureRowsOptions,
  measuredShards,
  measureRows,
  type PairedRow,
  type RunningExtractor,
} from './row-features.js';
import { computedShares, sampleRow } from './row-latents.js';
import type { RowQuality } from './row-metrics.js';
import { type RowLatency, savingsOf, timeRows } from './row-speed.js';
import { scoreRows } from './score-rows.js';

/** Options of {@link runEval}. */
export interface RunEvalOptions {
  readonly config: EvalConfig;
  readonly session: Session;
  /** Absent if no metric needs features. */
  readonly extractor?: RunningExtractor | undefined;
  /** Everything that is made is kept here and found again. */
  readonly folder: string;
  readonly context: CliContext;
}

/** An evaluation that is done. */
export interface FinishedEval {
  readonly outcome: EvalOutcome;
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
  const { config, extractor, context } = options;
  const folders = await prepareFolders(options.folder);
  const evaluation = evaluationOf(options);
  const { reference: set } = config;
  const referenceRow = set && 'steps' in set ? await uncachedRow(evaluation, set) : undefined;
  const target = config.target ? await uncachedRow(evaluation, config.target) : referenceRow;
  const given = await givenReference(options, folders);
  const groups = await resolveGroups({ config, evaluation, folder: folders.speed, context });
  const scored = groups.flatMap((group) => scoredRows(group, target));
  const alone = referenceRow && extractor ? [{ row: referenceRow, uncached: referenceRow }] : [];
  const rows = [...alone, ...scored];
  const partners = target ? [target] : [];
  for (const row of distinct([...partners, ...rows.map((each) => each.row)])) {
    await sampleRow({ evaluation, row, folder: folders.latents, context });
  }
  const measured = { evaluation, rows, extractor, context };
  const measurement = { ...measured, latents: folders.latents, folder: folders.measured };
  await measureRows(measurement);
  const speed = { ...options, evaluation, rows: scored, folder: folders.speed };
  const costs = await rememberedCosts(speed);
  const latencies = config.latency ? await rememberedLatencies(speed, config.latency) : [];
  const reference =
    given ??
    (referenceRow && sampledReference({ options, measurement, row: referenceRow, folders }));
  const scores = { measurement, rows: scored, reference, metrics: config.metrics };
  const qualities = await scoreRows({ ...scores, folder: folders.quality });
  const results: EvalResult[] = [];
  for (const [i, row] of scored.entries()) {
    const quality = qualities[i] as RowQuality;
    const shares = await computedShares(folders.latents, row.row, evaluation);
    results.push(resultOf({ options, row, quality, shares, latency: latencies[i] }));
  }
  const outcome = {
    model: options.session.executor.spec.name,
    guidance: evaluation.guidance?.scale ?? 1,
    extractor: extractor?.extractor.identity.name ?? null,
    reference: reference?.name ?? null,
    target: target?.name ?? null,
    results,
    missed: groups.flatMap(({ missed }) => missed),
  };
  return { outcome, evaluation, groups, costs, latents: folders.latents };
}

/** A row of a group, and the runs that it is compared with. */
interface ScoredRow extends PairedRow {
  readonly group: string;
  readonly tuned: TunedRow['tuned'];
}

type Folders = Awaited<ReturnType<typeof prepareFolders>>;

async function prepareFolders(folder: string) {
  const names = ['latents', 'measured', 'references', 'quality', 'speed'] as const;
  const entries = names.map((name) => [name, join(folder, name)] as const);
  for (const [, path] of entries) await prepareFolder(path);
  return Object.fromEntries(entries) as Record<(typeof names)[number], string>;
}

function evaluationOf({ config, session }: RunEvalOptions): EvalContext {
  const jobs = numberedJobs(config.images, session.model.subjects, config.classes);
  return evalContext(config, session, jobs);
}

/** The reference that is given as files, if it is. */
async function givenReference(
  { config, extractor, context }: RunEvalOptions,
  { measured: folder, references }: Folders,
): Promise<Reference | undefined> {
  const { reference, metrics, batch: batchSize } = config;
  if (!reference || !extractor) return undefined;
  if ('images' in reference) {
    const { images: path } = reference;
    return imagesReference({ path, extractor, metrics, batchSize, folder, references, context });
  }
  if ('statistics' in reference) {
    return statisticsReference({ path: reference.statistics, extractor, metrics });
  }
  return undefined;
}

/** The features of a sampled run as a reference. */
function sampledReference(input: {
  readonly options: RunEvalOptions;
  readonly measurement: MeasureRowsOptions;
  readonly row: EvalRow;
  readonly folders: Folders;
}): Reference {
  const { options, measurement, row, folders } = input;
  const { metrics } = options.config;
  const { signal } = options.context;
  const identity = options.extractor?.extractor.identity;
  const key = fingerprint([row.key, identity?.hash ?? null, options.extractor?.outputs ?? []]);
  const shards = () => measuredShards(measurement, { row, uncached: row });
  const folder = folders.references;
  const load = once(() => referenceSet({ key, shards, metrics, identity, folder, signal }));
  return { name: `the uncached run ${row.name}`, key: row.key, load };
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

function distinct(rows: readonly EvalRow[]): readonly EvalRow[] {
  return [...new Map(rows.map((row) => [row.key, row])).values()];
}

/** What is timed; `folder` is that of times. */
interface SpeedOptions extends RunEvalOptions {
  readonly evaluation: EvalContext;
  readonly rows: readonly ScoredRow[];
}

/** Latencies of all rows in their order, measured together or not at all. */
async function rememberedLatencies(
  options: SpeedOptions,
  { batch: images, repeats }: Exclude<EvalConfig['latency'], false>,
): Promise<readonly RowLatency[]> {
  const { evaluation, rows, folder, context } = options;
  const keys = rows.map(({ row, uncached }) => [uncached.key, row.key]);
  const make = () => timeRows({ evaluation, rows, images, repeats, context });
  return remembered({ folder, key: { keys, images, repeats, machine: thisMachine() }, make });
}

/** What branches take, measured once. */
async function rememberedCosts(options: SpeedOptions): Promise<CostModel | null> {
  const { config, session, evaluation, rows, folder, context } = options;
  const { uncached } = rows[0] as ScoredRow;
  if (!config.latency || session.backend.name === 'webgpu') return null;
  const { batch: images } = config.latency;
  const key = { costs: uncached.key, images, machine: thisMachine() };
  const { signal } = context;
  const make = () => measureBranchCosts({ evaluation, uncached, images, signal });
  return remembered({ folder, key, make });
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
  const { spec } = options.session.executor;
  return {
    group,
    name: row.name,
    method: row.method,
    isUncached: row.key === uncached.key,
    key: row.key,
    sampler: row.plan.sampler,
    steps: row.plan.steps.length,
    images: options.config.images,
    savings: savingsOf(shares, spec, uncached.plan.steps.length),
    quality,
    latency,
    tuned,
  };
}
