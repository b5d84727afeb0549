import {
  type CacheMethod,
  type Decisions,
  type GenerateOptions,
  type Guidance,
  generate,
  type LongCallOptions,
  type SamplerPlan,
  trackProgress,
} from '@harmonica/core';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import type { Session } from './session.js';

/** One image to sample. */
export interface ImageJob {
  readonly seed: number;
  /** Of a class or a prompt. */
  readonly label: number;
}

/** Options of {@link sampleLatents}. */
export interface SampleLatentsOptions extends LongCallOptions {
  readonly session: Pick<Session, 'executor' | 'model'>;
  readonly plan: SamplerPlan;
  readonly guidance?: Guidance | undefined;
  /** How branches are run. Default: all are computed. */
  readonly cacheMethod?: CacheMethod | undefined;
  readonly jobs: readonly ImageJob[];
  /** Images per run. */
  readonly batchSize: number;
  /** What `onProgress` is told is going on, step by step. Default `sampling`. */
  readonly label?: string | undefined;
  /** Called after each step of each batch. */
  readonly onStep?: GenerateOptions['onStep'] | undefined;
}

/** What was decided for the images of one batch, which only dynamic policies decide anew for each. */
export interface DecidedBatch {
  readonly images: number;
  readonly decisions: readonly Decisions[];
}

/** Result of {@link sampleLatents}. */
export interface SampledLatents {
  /** One for each job, row-major `[height, width, channels]`. */
  readonly latents: readonly Float32Array[];
  /** Wall time of the sampling runs alone, in ms. */
  readonly samplingMs: number;
  /** For each batch how many images it has and `[T][N]` what was computed. */
  readonly batches: readonly DecidedBatch[];
}

/**
 * Samples latents, batch by batch.
 *
 * @throws as `generate` does
 */
export async function sampleLatents(options: SampleLatentsOptions): Promise<SampledLatents> {
  const { plan, jobs, batchSize, label = 'sampling', onStep, onProgress } = options;
  const total = Math.ceil(jobs.length / batchSize) * plan.steps.length;
  const progress = trackProgress({ onProgress, label, total });
  const watched: SampleLatentsOptions = {
    ...options,
    onStep(event) {
      progress.add();
      onStep?.(event);
    },
  };
  const latents: Float32Array[] = [];
  let samplingMs = 0;
  const batches: DecidedBatch[] = [];
  for (let start = 0; start < jobs.length; start += batchSize) {
    const batch = jobs.slice(start, start + batchSize);
    const began = performance.now();
    const sampled = await sampleBatch(watched, batch);
    samplingMs += performance.now() - began;
    latents.push(...sampled.latents);
    batches.push({ images: batch.length, decisions: sampled.decisions });
  }
  return { latents, samplingMs, batches };
}

async function sampleBatch(options: SampleLatentsOptions, jobs: readonly ImageJob[]) {
  const { session, plan, guidance, cacheMethod, onStep, signal } = options;
  const { subjects } = session.model;
  const labels = jobs.map(({ label }) => label);
  const condition = subjects.condition(labels);
  const unconditional = guidance && subjects.unconditional?.(labels);
  try {
    const { latent, decisions } = await generate({
      executor: session.executor,
      plan,
      condition,
      seeds: jobs.map(({ seed }) => seed),
      ...(guidance && { guidance: { ...guidance, ...(unconditional && { unconditional }) } }),
      ...(cacheMethod && { cache: cacheMethod }),
      ...(onStep && { onStep }),
      ...(signal && { signal }),
    });
    return { latents: await rowsOf(latent), decisions };
  } finally {
    dispose([condition, unconditional ?? {}] as Record<string, Tensor>[]);
  }
}

/** The values of each image of a batch, which is disposed. */
async function rowsOf(batch: Tensor): Promise<Float32Array[]> {
  const values = (await batch.data()) as Float32Array;
  const [count = 0] = batch.shape;
  const size = batch.size / count;
  dispose(batch);
  return Array.from({ length: count }, (_, i) => values.slice(i * size, (i + 1) * size));
}
