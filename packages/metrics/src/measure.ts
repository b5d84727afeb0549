import { InvalidArgumentError, throwIfAborted } from '@harmonica/core';
import { type SampleSummary, summarize } from './latency-statistics.js';

/** Something to time. It resolves when its work is done, not when it is queued. */
export type TimedRun = () => unknown;

/** How a measurement is taken. */
export interface MeasureSettings {
  /** Untimed runs before the timed ones, to compile, allocate and fill caches. Default 1. */
  readonly warmup?: number;
  /** Timed runs. Default 5. */
  readonly repeats?: number;
  /** Looked at before every run. */
  readonly signal?: AbortSignal | undefined;
  /** Clock in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

/** Result of {@link measure}, in milliseconds. */
export interface LatencyResult extends SampleSummary {
  /** One time per timed run, in the order they ran. */
  readonly samplesMs: readonly number[];
}

/** Result of {@link measureInterleaved}. */
export interface InterleavedResult {
  readonly a: LatencyResult;
  readonly b: LatencyResult;
  /** Time of `a` over time of `b` of the same round: how many times faster `b` is. */
  readonly ratio: SampleSummary & { readonly samples: readonly number[] };
}

/**
 * Times a run several times after warm-up.
 *
 * @throws {@link InvalidArgumentError} if `warmup` is not an integer >= 0 or `repeats` not one >= 1.
 * @throws {@link AbortedError} if the signal says so; whatever `run` throws passes through.
 */
export async function measure(
  options: MeasureSettings & { readonly run: TimedRun },
): Promise<LatencyResult> {
  const { run, signal } = options;
  const { warmup, repeats, now } = resolveSettings(options);
  const samplesMs: number[] = [];
  for (let round = -warmup; round < repeats; round++) {
    throwIfAborted(signal, 'The measurement');
    const ms = await time(run, now);
    if (round >= 0) samplesMs.push(ms);
  }
  return { ...summarize(samplesMs), samplesMs };
}

/**
 * Times two runs in turns and compares them round by round, so that a slow phase of the machine hits both. Which of
 * the two goes first alternates from round to round.
 *
 * @throws as {@link measure}.
 */
export async function measureInterleaved(
  options: MeasureSettings & { readonly a: TimedRun; readonly b: TimedRun },
): Promise<InterleavedResult> {
  const { signal } = options;
  const { warmup, repeats, now } = resolveSettings(options);
  const samplesMs = { a: [] as number[], b: [] as number[] };
  for (let round = -warmup; round < repeats; round++) {
    const turns = round % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const);
    for (const turn of turns) {
      throwIfAborted(signal, 'The measurement');
      const ms = await time(options[turn], now);
      if (round >= 0) samplesMs[turn].push(ms);
    }
  }
  const a = { ...summarize(samplesMs.a), samplesMs: samplesMs.a };
  const b = { ...summarize(samplesMs.b), samplesMs: samplesMs.b };
  const samples = samplesMs.a.map((ms, round) => ms / (samplesMs.b[round] as number));
  return { a, b, ratio: { ...summarize(samples), samples } };
}

async function time(run: TimedRun, now: () => number): Promise<number> {
  const start = now();
  await run();
  return now() - start;
}

function resolveSettings(settings: MeasureSettings) {
  const { warmup = 1, repeats = 5, now = () => performance.now() } = settings;
  assertCount({ argument: 'warmup', value: warmup, least: 0 });
  assertCount({ argument: 'repeats', value: repeats, least: 1 });
  return { warmup, repeats, now };
}

function assertCount(check: { argument: string; value: number; least: number }): void {
  const { argument, value, least } = check;
  if (Number.isInteger(value) && value >= least) return;
  throw new InvalidArgumentError({ argument, value, expected: `an integer of ${least} or more` });
}
