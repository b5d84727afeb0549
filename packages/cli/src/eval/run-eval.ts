import { planFingerprint } from '@harmonica/core';
import type { CostModel } from '@harmonica/router';
import { timedOn } from '../engine-record.js';
import { measureBranchCosts } from './branch-costs.js';
import type { EvalConfig } from './eval-config.js';
import type { EvalGroup } from './eval-groups.js';
import { type EvalProvenance, provenanceOf } from './eval-provenance.js';
import type { EvalOutcome, EvalResult } from './eval-result.js';
import type { EvalContext, EvalRow } from './eval-rows.js';
import { remembered } from './memo.js';
import {
  type PreparedEval,
  type PrepareEvalOptions,
  prepareEval,
  type ScoredRow,
} from './prepare-eval.js';
import { measuredFiles, measureRows } from './row-features.js';
import { computedShares, sampleRow } from './row-latents.js';
import type { RowQuality } from './row-metrics.js';
import { type RowLatency, savingsOf, timeRows } from './row-speed.js';
import { scoreRows } from './score-rows.js';
import { partOf, type Share } from './share.js';
import { waitForFiles } from './wait-for-files.js';

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
  const { config, session, extractor } = options;
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
    const shares = await computedShares(folders.latents, row.row, evaluation);
    results.push(resultOf({ options, row, quality, shares, latency: latencies[i] }));
  }
  const outcome = {
    model: session.executor.spec.name,
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
  const { config, session, signal } = options;
  const { evaluation, rows, folders } = prepared;
  const { uncached } = rows[0] as ScoredRow;
  if (!config.latency || session.backend.name === 'webgpu') return null;
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
  const { spec } = options.session.executor;
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
