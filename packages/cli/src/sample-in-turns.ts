import type { CacheSchedule } from '@harmonica/core';
import { type LongCallOptions, trackProgress } from '@harmonica/core';
import { withCache } from '@harmonica/router';
import type { RunSetting } from './run-setting.js';
import { type ImageJob, type SampledLatents, sampleLatents } from './sample-latents.js';
import type { Session } from './session.js';

/** Options of {@link sampleInTurns}. */
export interface SampleInTurnsOptions extends LongCallOptions, LongCallOptions {
  readonly session: Pick<Session, 'executor' | 'model'>;
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
  const { session, setting, schedule, jobs, signal, onProgress } = options;
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
      session,
      plan: setting.plan,
      guidance: setting.guidance,
      cacheMethod: way === 'cached' ? cacheMethod : undefined,
      jobs: batch,
      batchSize: batch.length,
      onStep: () => progress.add(),
      signal: signal,
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
