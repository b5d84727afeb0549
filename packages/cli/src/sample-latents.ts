import {
  type CacheSchedule,
  type Decisions,
  type Guidance,
  generate,
  type SamplerPlan,
} from '@harmonica/core';
import { withCache } from '@harmonica/router';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import type { Session } from './session.js';

/** One image to sample. */
export interface ImageJob {
  readonly seed: number;
  /** Of a class or a prompt. */
  readonly label: number;
}

/** Options of {@link sampleLatents}. */
export interface SampleLatentsOptions {
  readonly session: Pick<Session, 'executor' | 'model'>;
  readonly plan: SamplerPlan;
  readonly guidance?: Guidance | undefined;
  /** Absent: every branch is computed. */
  readonly schedule?: CacheSchedule | undefined;
  readonly jobs: readonly ImageJob[];
  /** Images per run. */
  readonly batchSize: number;
  /** Called after each step of each batch. */
  readonly onStep?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Result of {@link sampleLatents}. */
export interface SampledLatents {
  /** One for each job, row-major `[height, width, channels]`. */
  readonly latents: readonly Float32Array[];
  /** Wall time of the sampling runs alone, in ms. */
  readonly samplingMs: number;
  /** `[T][N]`: what was computed, the same for every batch. */
  readonly decisions: readonly Decisions[];
}

/**
 * Samples latents, batch by batch.
 *
 * @throws as `generate` does
 */
export async function sampleLatents(options: SampleLatentsOptions): Promise<SampledLatents> {
  const { jobs, batchSize, schedule } = options;
  const cache = schedule && withCache({ schedule });
  const latents: Float32Array[] = [];
  let samplingMs = 0;
  let decisions: readonly Decisions[] = [];
  for (let start = 0; start < jobs.length; start += batchSize) {
    const batch = jobs.slice(start, start + batchSize);
    const began = performance.now();
    const sampled = await sampleBatch(options, batch, cache);
    samplingMs += performance.now() - began;
    latents.push(...sampled.latents);
    decisions = sampled.decisions;
  }
  return { latents, samplingMs, decisions };
}

async function sampleBatch(
  options: SampleLatentsOptions,
  jobs: readonly ImageJob[],
  cache: ReturnType<typeof withCache> | undefined,
) {
  const { session, plan, guidance, onStep, signal } = options;
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
      ...(cache && { cache }),
      ...(onStep && { onStep: () => onStep() }),
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
