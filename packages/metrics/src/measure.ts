import { measureRounds, type RoundSettings, throwIfAborted, timed } from '@harmonica/core';
import { type SampleSummary, summarize } from './latency-statistics.js';

/** Something to time. It resolves when its work is done, not when it is queued. */
export type TimedRun = () => unknown;

/** How a measurement is taken; the signal is looked at before every run. */
export interface MeasureSettings extends RoundSettings {
  /** Clock in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

/** Times of a run, in milliseconds. */
export interface LatencyResult extends SampleSummary {
  /** One time per timed run, in the order they ran. */
  readonly samplesMs: readonly number[];
}

/** Result of {@link latencyRatio}. */
export interface LatencyRatio extends SampleSummary {
  /** One ratio per round. */
  readonly samples: readonly number[];
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
  const { run, ...settings } = options;
  const [result] = await measureInterleaved({ ...settings, runs: [run] });
  return result;
}

/**
 * Times several runs in turns, so that a slow phase of the machine hits them all: each once in a round, and every other
 * round goes backwards.
 *
 * @returns one for each of `runs`; {@link latencyRatio} compares two of them round by round
 * @throws as {@link measure}.
 */
export async function measureInterleaved<const Runs extends readonly TimedRun[]>(
  options: MeasureSettings & { readonly runs: Runs },
): Promise<{ readonly [Index in keyof Runs]: LatencyResult }> {
  const { runs, now = () => performance.now(), ...settings } = options;
  const forwards = [...runs.keys()];
  const rounds = await measureRounds(settings, async (round) => {
    const times: number[] = [];
    for (const index of round % 2 === 0 ? forwards : forwards.toReversed()) {
      throwIfAborted(settings.signal, 'The measurement');
      times[index] = (await timed(now, runs[index] as TimedRun)).ms;
    }
    return times;
  });
  const results = forwards.map((index) => {
    const samplesMs = rounds.map((times) => times[index] as number);
    return { ...summarize(samplesMs), samplesMs };
  });
  return results as unknown as { readonly [Index in keyof Runs]: LatencyResult };
}

/** Times of `a` over those of `b` of the same rounds of {@link measureInterleaved}: how many times faster `b` is. */
export function latencyRatio(a: LatencyResult, b: LatencyResult): LatencyRatio {
  const samples = a.samplesMs.map((ms, round) => ms / (b.samplesMs[round] as number));
  return { ...summarize(samples), samples };
}
