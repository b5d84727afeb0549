import { measureInterleaved } from '@harmonica/metrics';
import { withCache } from '@harmonica/router';
import type { NamedDocument } from '../cache-document.js';
import { cacheRecord } from '../run-manifest.js';
import type { RunSetting } from '../run-setting.js';
import { type ImageJob, sampleLatents } from '../sample-latents.js';
import type { Session } from '../session.js';

/** What a schedule saves in time, beside what its MACs promise. */
export interface SamplingTiming {
  readonly name: string;
  readonly uncachedMs: number;
  readonly cachedMs: number;
  /** Median of the ratios of interleaved rounds. */
  readonly measuredSpeedUp: number;
  readonly theoreticalSpeedUp: number;
  /** Measured over theoretical speed-up. */
  readonly efficiency: number;
  readonly cacheUtilization: number;
}

/** Options of {@link samplingBench}. */
export interface SamplingBenchOptions {
  readonly session: Pick<Session, 'executor' | 'model'>;
  readonly setting: Pick<RunSetting, 'plan' | 'guidance'>;
  readonly cache: Pick<NamedDocument, 'name' | 'schedule'>;
  /** One batch. */
  readonly jobs: readonly ImageJob[];
  readonly repeats: number;
  readonly signal?: AbortSignal | undefined;
}

/** Times whole uncached and cached sampling runs in turns, after one of each that is not timed. */
export async function samplingBench(options: SamplingBenchOptions): Promise<SamplingTiming> {
  const { session, setting, cache, jobs, repeats, signal } = options;
  const { executor } = session;
  const common = { session, ...setting, jobs, batchSize: jobs.length, signal };
  const { a, b, ratio } = await measureInterleaved({
    a: () => sampleLatents(common),
    b: () => sampleLatents({ ...common, cacheMethod: withCache(cache) }),
    repeats,
    warmup: 1,
    ...(signal && { signal }),
  });
  const { theoreticalSpeedUp, cacheUtilization } = cacheRecord({ ...cache, spec: executor.spec });
  return {
    name: cache.name,
    uncachedMs: a.median,
    cachedMs: b.median,
    measuredSpeedUp: ratio.median,
    theoreticalSpeedUp,
    efficiency: ratio.median / theoreticalSpeedUp,
    cacheUtilization,
  };
}
