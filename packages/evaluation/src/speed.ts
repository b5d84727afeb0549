import {
  type CacheSchedule,
  createRng,
  type Decisions,
  type LongCallOptions,
  trackProgress,
} from '@harmonica/core';
import { type LatencyResult, latencyRatio, measureInterleaved } from '@harmonica/metrics';
import {
  type ImageJob,
  type Pipeline,
  type RunSetting,
  type SampledLatents,
  sampleLatents,
  trainingInputs,
} from '@harmonica/pipeline';
import {
  type CostModel,
  cacheMethodOf,
  macsCostModel,
  measureCostModel,
  scheduleDecisions,
  stepCost,
  withCache,
} from '@harmonica/router';
import { type BatchPart, drawBatch } from '@harmonica/sdt';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import { distinctRows, type EvalRow, type RowLatency, type RowSavings, uncachedOf } from './row.js';
import type { EvalContext } from './rows.js';

/**
 * CUR and theoretical speed-up of decisions.
 *
 * @param computed `[T][N]`, fraction of images for which a branch was computed
 * @param uncachedSteps of the uncached run of the group
 */
export function savingsOf(
  computed: NonNullable<EvalRow['computed']>,
  spec: EvalContext['pipeline']['executor']['spec'],
  uncachedSteps: number,
): RowSavings {
  const cost = macsCostModel(spec);
  const all = computed.flat();
  const whole = spec.branches.map(() => 1);
  const total = computed.reduce((sum, step) => sum + stepCost(step, cost), 0);
  return {
    cacheUtilization: 1 - all.reduce((sum, fraction) => sum + fraction, 0) / all.length,
    theoreticalSpeedUp: (uncachedSteps * stepCost(whole, cost)) / total,
  };
}

/** Options of {@link promisedSpeedUp}. */
interface PromisedSpeedUpOptions {
  readonly evaluation: EvalContext;
  readonly row: EvalRow;
  /** To run a dynamic policy on; others are known without. */
  readonly images: number;
  readonly signal?: AbortSignal | undefined;
}

/** The speed-up of a row by MACs. Only what a dynamic policy decides has to be sampled, one batch of it. */
export async function promisedSpeedUp(options: PromisedSpeedUpOptions): Promise<number> {
  const { evaluation, row, images, signal } = options;
  const { spec } = evaluation.pipeline.executor;
  const decisions = await decisionsOf(evaluation, row, images, signal);
  const computed = decisions.map((step) => step.map(Number));
  return savingsOf(computed, spec, uncachedOf(row).plan.steps.length).theoreticalSpeedUp;
}

async function decisionsOf(
  evaluation: EvalContext,
  row: EvalRow,
  images: number,
  signal: AbortSignal | undefined,
): Promise<readonly Decisions[]> {
  const { policy, plan } = row;
  switch (policy.kind) {
    case 'none':
      return plan.steps.map(() => evaluation.pipeline.executor.spec.branches.map(() => true));
    case 'schedule':
      return scheduleDecisions(policy.schedule);
    case 'dynamic':
      return (await runBatch(evaluation, row, images, signal)).batches[0]?.decisions ?? [];
  }
}

/** Options of {@link timeRows}. */
interface TimeRowsOptions extends LongCallOptions {
  readonly evaluation: EvalContext;
  /** The uncached runs that they are held against are timed with them. */
  readonly rows: readonly EvalRow[];
  /** Images of a batch. */
  readonly images: number;
  readonly repeats: number;
  /** Default `timing`. */
  readonly label?: string;
  /** Clock in ms. Default `performance.now`. */
  readonly now?: () => number;
}

/**
 * Times one batch of every row in turns, in one process, after one of each that is not timed; every other round goes
 * backwards. Ratios are taken round by round, so that a slow phase of the machine hits both.
 *
 * @returns one for each of `rows`
 */
export async function timeRows(options: TimeRowsOptions): Promise<readonly RowLatency[]> {
  const { evaluation, rows, images, repeats, signal, now, onProgress, label = 'timing' } = options;
  const distinct = distinctRows(rows.flatMap((row) => [uncachedOf(row), row]));
  const progress = trackProgress({ onProgress, label, total: (repeats + 1) * distinct.length });
  const runs = distinct.map((row) => async () => {
    await runBatch(evaluation, row, images, signal);
    progress.add();
  });
  const timed = await measureInterleaved({ runs, repeats, signal, ...(now && { now }) });
  const times = new Map(distinct.map(({ key }, i) => [key, timed[i] as LatencyResult]));
  return rows.map((row) => {
    const { samplesMs, ...ms } = times.get(row.key) as LatencyResult;
    const uncached = times.get(uncachedOf(row).key) as LatencyResult;
    const { samples, ...speedUp } = latencyRatio(uncached, { samplesMs, ...ms });
    return { images, ms, speedUp };
  });
}

function runBatch(
  { pipeline, guidance, jobs }: EvalContext,
  row: EvalRow,
  images: number,
  signal: AbortSignal | undefined,
) {
  const batch = Array.from(
    { length: images },
    (_, i) => jobs[i % jobs.length] as (typeof jobs)[number],
  );
  return sampleLatents({
    pipeline,
    plan: row.plan,
    guidance,
    cacheMethod: cacheMethodOf(row.policy),
    jobs: batch,
    batchSize: images,
    signal,
  });
}

/** Options of {@link measureBranchCosts}. */
interface MeasureBranchCostsOptions {
  readonly evaluation: EvalContext;
  /** Its middle step is measured. */
  readonly uncached: EvalRow;
  /** Images of a batch. */
  readonly images: number;
  readonly signal?: AbortSignal | undefined;
}

/** How long each branch takes for a batch on this machine. */
export async function measureBranchCosts(options: MeasureBranchCostsOptions): Promise<CostModel> {
  const { evaluation, uncached, images: size, signal } = options;
  const { pipeline, guidance } = evaluation;
  const { executor, model } = pipeline;
  const { plan } = uncached;
  const middle = plan.steps[plan.steps.length >> 1] as (typeof plan.steps)[number];
  const { dispose: disposeInputs, ...inputs } = trainingInputs({
    conditions: model.conditions,
    guidance,
    batchSize: size,
  });
  const rng = createRng({ seed: 0 });
  const batch = drawBatch({ rng, size, spec: executor.spec, plan, ...inputs });
  const { latent, condition } = batch[0] as BatchPart;
  const input = { latent, time: middle.timestep, condition };
  try {
    return await measureCostModel({ executor, input, repeats: 3, signal });
  } finally {
    dispose([latent, ...Object.values(condition)] as Tensor[]);
    disposeInputs();
  }
}

/** Options of {@link sampleInTurns}. */
export interface SampleInTurnsOptions extends LongCallOptions {
  readonly pipeline: Pick<Pipeline, 'executor' | 'model'>;
  readonly setting: Pick<RunSetting, 'plan' | 'guidance'>;
  readonly schedule: CacheSchedule;
  readonly jobs: readonly ImageJob[];
}

/** The same images sampled both ways, in the order of the jobs, with the total time of each way. */
export interface SampledInTurns {
  readonly uncached: Pick<SampledLatents, 'latents' | 'samplingMs'>;
  readonly cached: Pick<SampledLatents, 'latents' | 'samplingMs'>;
}

type Way = keyof SampledInTurns;

/**
 * Samples every image without and with the cache, half of them at a time and first one way, then the other, so that a
 * slow phase of the machine hits both. A cached run of one image goes before and is not timed: it makes the engine
 * compile all that both ways need, because its first step computes every branch.
 */
export async function sampleInTurns(options: SampleInTurnsOptions): Promise<SampledInTurns> {
  const { pipeline, setting, schedule, jobs, signal, onProgress } = options;
  const cacheMethod = withCache({ schedule });
  const half = Math.ceil(jobs.length / 2);
  const halves = [jobs.slice(0, half), jobs.slice(half)].filter(({ length }) => length > 0);
  const turns: readonly (readonly Way[])[] = [
    ['uncached', 'cached'],
    ['cached', 'uncached'],
  ];
  const total = (1 + 2 * halves.length) * setting.plan.steps.length;
  const progress = trackProgress({ onProgress, label: 'sampling', total });
  const sample = (way: Way, batch: readonly ImageJob[]) =>
    sampleLatents({
      pipeline,
      plan: setting.plan,
      guidance: setting.guidance,
      cacheMethod: way === 'cached' ? cacheMethod : undefined,
      jobs: batch,
      batchSize: batch.length,
      onStep: () => progress.add(),
      signal,
    });
  const sampled = { uncached: emptyRun(), cached: emptyRun() };
  await sample('cached', jobs.slice(0, 1));
  for (const [round, batch] of halves.entries()) {
    for (const way of turns[round] as readonly Way[]) {
      const { latents, samplingMs } = await sample(way, batch);
      sampled[way].latents.push(...latents);
      sampled[way].samplingMs += samplingMs;
    }
  }
  return sampled;
}

function emptyRun(): { latents: Float32Array[]; samplingMs: number } {
  return { latents: [], samplingMs: 0 };
}
