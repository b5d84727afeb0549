import {
  type CacheSchedule,
  InvalidArgumentError,
  measureRounds,
  throwIfAborted,
} from '@harmonica/core';
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
import { peakMemoryBytes, samplesOf } from './probe.js';

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
export interface SamplingBenchOptions extends ThroughputBenchOptions {
  readonly cache: Pick<NamedDocument, 'name' | 'schedule'>;
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
    signal,
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

/** Fractions of predicted calls that are measured; 0 is the uncached run. */
const FRACTIONS = [0, 0.25, 0.375, 0.5] as const;

/** How fast a model is at one fraction of predicted calls. */
export interface Throughput {
  /** Fraction of the calls of branches that are predicted. */
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
  readonly pipeline: Pick<Pipeline, 'executor' | 'model'>;
  /** For {@link throughputBench} of two steps or more. */
  readonly setting: Pick<RunSetting, 'plan' | 'guidance'>;
  /** One batch. */
  readonly jobs: readonly ImageJob[];
  readonly repeats: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Times whole runs at rising fractions of predicted calls, in turns, after one of each that is not timed; memory is read
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
  const kinds = FRACTIONS.map((fraction) => {
    const schedule = spreadSchedule({ steps, branches, fraction });
    const macs = scheduleCost({ schedule, cost });
    return { fraction, schedule: fraction === 0 ? undefined : schedule, macs };
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
  const rounds = await measureRounds({ warmup: 0, repeats, signal }, async (round) => {
    const ms = new Map<(typeof kinds)[number], number>();
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
      throwIfAborted(signal, 'The measurement');
      ms.set(kind, (await run(kind.schedule)).samplingMs / steps);
    }
    return ms;
  });
  const medianOf = (kind: (typeof kinds)[number]) =>
    summarize(rounds.map((ms) => ms.get(kind) as number)).median;
  const uncached = kinds[0] as (typeof kinds)[number];
  return kinds.map((kind, i) => {
    const msPerStep = medianOf(kind);
    const operations = (2 * kind.macs * samplesOf(setting, jobs.length)) / steps;
    return {
      cacheUtilization: kind.fraction,
      msPerStep,
      gigaflopsPerSecond: operations / (msPerStep * 1e6),
      speedUp: medianOf(uncached) / msPerStep,
      theoreticalSpeedUp: uncached.macs / kind.macs,
      peakBytes: peaks[i] as number,
    };
  });
}

/** Options of {@link spreadSchedule}. */
interface SpreadScheduleOptions {
  readonly steps: number;
  readonly branches: number;
  /** Of all calls of branches, those that are predicted (CUR), in [0, 1 - 1 / steps]. */
  readonly fraction: number;
}

/**
 * A schedule of a given fraction, for measurements: what is predicted is spread evenly over all steps but the first and over
 * their branches, other ones from step to step, and held from the last time that it was computed.
 *
 * @returns one with the whole number of predicted calls that is nearest to the fraction
 * @throws {@link InvalidArgumentError} if the first step would have to be predicted, too
 */
export function spreadSchedule({
  steps,
  branches,
  fraction,
}: SpreadScheduleOptions): CacheSchedule {
  const predicted = Math.round(fraction * steps * branches);
  const cells = (steps - 1) * branches;
  if (!(predicted >= 0 && predicted <= cells)) {
    const expected = `a number from 0 to ${1 - 1 / steps} for ${steps} steps`;
    throw new InvalidArgumentError({ argument: 'fraction', value: fraction, expected });
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
