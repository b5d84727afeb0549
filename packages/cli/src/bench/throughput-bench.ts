import { throwIfAborted } from '@harmonica/core';
import { summarize } from '@harmonica/metrics';
import { macsCostModel, scheduleCost, withCache } from '@harmonica/router';
import type { RunSetting } from '../run-setting.js';
import { type ImageJob, sampleLatents } from '../sample-latents.js';
import type { Session } from '../session.js';
import { peakMemoryBytes } from './peak-memory.js';
import { spreadSchedule } from './spread-schedule.js';

/** Shares of predicted calls that are measured; 0 is the uncached run. */
const SHARES = [0, 0.25, 0.375, 0.5] as const;

/** How fast a model is at one share of predicted calls. */
export interface Throughput {
  /** Share of the calls of branches that are predicted. */
  readonly cacheUtilization: number;
  /** Median over rounds of a run's wall time by its steps. */
  readonly msPerStep: number;
  /** Floating-point operations that are done (two for each multiply-accumulate) by that time, in 1e9 per second. */
  readonly gigaflopsPerSecond: number;
  /** Over the uncached run, of the same medians. */
  readonly speedUp: number;
  readonly theoreticalSpeedUp: number;
  /** Most memory that the process has had resident when the first run of this kind was done, in bytes. */
  readonly peakBytes: number;
}

/** Options of {@link throughputBench}. */
export interface ThroughputBenchOptions {
  readonly session: Pick<Session, 'executor' | 'model'>;
  /** Of two steps or more. */
  readonly setting: Pick<RunSetting, 'plan' | 'guidance'>;
  /** One batch. */
  readonly jobs: readonly ImageJob[];
  readonly repeats: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Times whole runs at rising shares of predicted calls, in turns, after one of each that is not timed; memory is read
 * after each of those, so that it is that of the kinds so far.
 */
export async function throughputBench(
  options: ThroughputBenchOptions,
): Promise<readonly Throughput[]> {
  const { session, setting, jobs, repeats, signal } = options;
  const { spec } = session.executor;
  const steps = setting.plan.steps.length;
  const branches = spec.branches.length;
  const cost = macsCostModel(spec);
  const kinds = SHARES.map((share) => {
    const schedule = spreadSchedule({ steps, branches, share });
    const macs = scheduleCost({ schedule, cost });
    return { share, schedule: share === 0 ? undefined : schedule, macs, ms: [] as number[] };
  });
  const run = (schedule: (typeof kinds)[number]['schedule']) =>
    sampleLatents({
      session,
      ...setting,
      cacheMethod: schedule && withCache({ schedule }),
      jobs,
      batchSize: jobs.length,
      signal,
    });
  const peaks: number[] = [];
  for (const { schedule } of kinds) {
    await run(schedule);
    peaks.push(peakMemoryBytes());
  }
  for (let round = 0; round < repeats; round++) {
    for (const { schedule, ms } of round % 2 === 0 ? kinds : kinds.toReversed()) {
      throwIfAborted(signal, 'The measurement');
      ms.push((await run(schedule)).samplingMs / steps);
    }
  }
  const samples = setting.guidance ? 2 * jobs.length : jobs.length;
  const uncached = kinds[0] as (typeof kinds)[number];
  const uncachedMs = summarize(uncached.ms).median;
  return kinds.map(({ share, macs, ms }, i) => {
    const { median } = summarize(ms);
    return {
      cacheUtilization: share,
      msPerStep: median,
      gigaflopsPerSecond: (2 * macs * samples) / steps / (median * 1e6),
      speedUp: uncachedMs / median,
      theoreticalSpeedUp: uncached.macs / macs,
      peakBytes: peaks[i] as number,
    };
  });
}
