import { type CacheSchedule, InvalidArgumentError, throwIfAborted } from '@harmonica/core';
import { latencyRatio, measureInterleaved, summarize } from '@harmonica/metrics';
import {
  cacheRecord,
  type ImageJob,
  type NamedDocument,
  type Pipeline,
  type RunSetting,
  sampleLatents,
} from '@harmonica/pipeline';
import { createSchedule, macsCostModel, scheduleCost, withCache } from '@harmonica/router';
import { peakMemoryBytes } from './memory.js';

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
interface SamplingBenchOptions {
  readonly pipeline: Pick<Pipeline, 'executor' | 'model'>;
  readonly setting: Pick<RunSetting, 'plan' | 'guidance'>;
  readonly cache: Pick<NamedDocument, 'name' | 'schedule'>;
  /** One batch. */
  readonly jobs: readonly ImageJob[];
  readonly repeats: number;
  readonly signal?: AbortSignal | undefined;
}

/** Times whole uncached and cached sampling runs in turns, after one of each that is not timed. */
export async function samplingBench(options: SamplingBenchOptions): Promise<SamplingTiming> {
  const { pipeline, setting, cache, jobs, repeats, signal } = options;
  const { executor } = pipeline;
  const common = { pipeline, ...setting, jobs, batchSize: jobs.length, signal };
  const [a, b] = await measureInterleaved({
    runs: [
      () => sampleLatents(common),
      () => sampleLatents({ ...common, cacheMethod: withCache(cache) }),
    ],
    repeats,
    warmup: 1,
    ...(signal && { signal }),
  });
  const ratio = latencyRatio(a, b);
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
interface ThroughputBenchOptions {
  readonly pipeline: Pick<Pipeline, 'executor' | 'model'>;
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
  const { pipeline, setting, jobs, repeats, signal } = options;
  const { spec } = pipeline.executor;
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
      pipeline,
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

/** Options of {@link spreadSchedule}. */
interface SpreadScheduleOptions {
  readonly steps: number;
  readonly branches: number;
  /** Share of all calls of branches that are predicted (CUR), in [0, 1 - 1 / steps]. */
  readonly share: number;
}

/**
 * A schedule of a given share, for measurements: what is predicted is spread evenly over all steps but the first and over
 * their branches, other ones from step to step, and held from the last time that it was computed.
 *
 * @returns one with the whole number of predicted calls that is nearest to the share
 * @throws {@link InvalidArgumentError} if the first step would have to be predicted, too
 */
export function spreadSchedule({ steps, branches, share }: SpreadScheduleOptions): CacheSchedule {
  const predicted = Math.round(share * steps * branches);
  const cells = (steps - 1) * branches;
  if (!(predicted >= 0 && predicted <= cells)) {
    const expected = `a number from 0 to ${1 - 1 / steps} for ${steps} steps`;
    throw new InvalidArgumentError({ argument: 'share', value: share, expected });
  }
  const isPredicted = (cell: number) =>
    Math.floor(((cell + 1) * predicted) / cells) > Math.floor((cell * predicted) / cells);
  const decisions = Array.from({ length: steps }, (_, step) =>
    Array.from({ length: branches }, (_, branch) => {
      const turned = (branch + step) % branches;
      return step === 0 || !isPredicted((step - 1) * branches + turned);
    }),
  );
  return createSchedule({ decisions, predictor: 'hold' });
}
