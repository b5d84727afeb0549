import { join } from 'node:path';
import type { Decisions } from '@harmonica/core';
import { type LongCallOptions, trackProgress } from '@harmonica/core';
import { cacheMethodOf } from '@harmonica/router';
import { prepareFolder } from '../output-files.js';
import { sampleLatents } from '../sample-latents.js';
import type { EvalContext, EvalRow } from './eval-rows.js';
import {
  type Batch,
  batchesOf,
  hasShard,
  readShard,
  rowsIn,
  stacked,
  writeShard,
} from './shards.js';
import { partOf, type Share } from './share.js';

/** Options of {@link sampleRow}. */
export interface SampleRowOptions extends LongCallOptions, LongCallOptions {
  readonly evaluation: EvalContext;
  readonly row: EvalRow;
  /** Of all rows. */
  readonly folder: string;
  readonly share: Share;
}

/** Samples what is not yet sampled of a row: latents and decisions of every batch of a share. */
export async function sampleRow(options: SampleRowOptions): Promise<void> {
  const { evaluation, row, folder, share, signal, onProgress } = options;
  const { session, guidance, jobs, batchSize } = evaluation;
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
      session,
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
export async function computedShares(
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
