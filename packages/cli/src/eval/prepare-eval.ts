import { join } from 'node:path';
import type { LongCallOptions } from '@harmonica/core';
import { recordEngine } from '../engine-record.js';
import { imageJobs, seedsFrom } from '../image-jobs.js';
import { prepareFolder } from '../output-files.js';
import type { Session } from '../session.js';
import type { EvalConfig } from './eval-config.js';
import { type EvalGroup, resolveGroups, type TunedRow } from './eval-groups.js';
import {
  imagesReference,
  type Reference,
  sampledReference,
  statisticsReference,
} from './eval-reference.js';
import { type EvalContext, type EvalRow, evalContext, uncachedRow } from './eval-rows.js';
import type { MeasureRowsOptions, PairedRow, RunningExtractor } from './row-features.js';
import { type Share, WHOLE } from './share.js';

/** Options of {@link prepareEval}. */
export interface PrepareEvalOptions extends LongCallOptions {
  readonly config: EvalConfig;
  readonly session: Session;
  /** Absent if no metric needs features. */
  readonly extractor?: RunningExtractor | undefined;
  /** Everything that is made is kept here and found again. */
  readonly folder: string;
  /** Of several processes that work in the folder. Nothing is timed then. Default: there is but one. */
  readonly share?: Share | undefined;
}

/** What an evaluation is to do. */
export interface PreparedEval {
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
export interface ScoredRow extends PairedRow {
  readonly group: string;
  readonly tuned: TunedRow['tuned'];
}

const FOLDERS = ['latents', 'measured', 'references', 'quality', 'speed'] as const;

/** Where what is made is kept. */
export type EvalFolders = Readonly<Record<(typeof FOLDERS)[number], string>>;

/**
 * Looks at everything that a configuration names and tunes its knobs.
 *
 * @throws typed errors for whatever of it is not possible
 */
export async function prepareEval(options: PrepareEvalOptions): Promise<PreparedEval> {
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

async function evaluationOf({ config, session }: PrepareEvalOptions): Promise<EvalContext> {
  const { images, seeds: first = 0, classes } = config;
  const seeds = seedsFrom(first, images);
  const jobs = imageJobs({ seeds, class: classes }, session.model.subjects);
  return evalContext({ config, session, jobs, engine: await recordEngine(session.backend) });
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
