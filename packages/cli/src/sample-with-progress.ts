import type { CacheMethod } from '@harmonica/core';
import type { CliContext } from './cli-context.js';
import { startProgressBar } from './progress-bar.js';
import type { RunSetting } from './run-setting.js';
import { type ImageJob, type SampledLatents, sampleLatents } from './sample-latents.js';
import type { Session } from './session.js';

/** Options of {@link sampleWithProgress}. */
export interface SampleWithProgressOptions {
  readonly session: Pick<Session, 'executor' | 'model'>;
  readonly setting: Pick<RunSetting, 'plan' | 'guidance'>;
  /** How branches are run. Default: all are computed. */
  readonly cacheMethod?: CacheMethod | undefined;
  readonly jobs: readonly ImageJob[];
  readonly batchSize: number;
  readonly context: CliContext;
  /** Default `sampling`. */
  readonly label?: string;
}

/** `sampleLatents` with a progress bar over all steps of all batches. */
export async function sampleWithProgress(
  options: SampleWithProgressOptions,
): Promise<SampledLatents> {
  const { session, setting, cacheMethod, jobs, batchSize, context, label = 'sampling' } = options;
  const batches = Math.ceil(jobs.length / batchSize);
  const total = batches * setting.plan.steps.length;
  const bar = startProgressBar({ output: context.stderr, label, total });
  try {
    return await sampleLatents({
      session,
      plan: setting.plan,
      guidance: setting.guidance,
      cacheMethod,
      jobs,
      batchSize,
      onStep: () => bar.increment(),
      signal: context.signal,
    });
  } finally {
    bar.stop();
  }
}
