import { assertCount } from './checks.js';
import { throwIfAborted } from './errors.js';

/** How often a measurement is taken. */
export interface RoundSettings {
  /** Rounds before those that count, to compile, allocate and fill caches. Default 1. */
  readonly warmup?: number | undefined;
  /** Rounds that count. Default 5. */
  readonly repeats?: number | undefined;
  /** Looked at before every round. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes a measurement several times, one after the other.
 *
 * @param take gets the number of the round: negative while it warms up, then from 0
 * @returns what the rounds that count gave, in order
 * @throws {@link InvalidArgumentError} if `warmup` is not an integer of at least 0, or `repeats` not one of at least 1
 * @throws {@link AbortedError} if the signal says so; whatever `take` throws passes through
 */
export async function measureRounds<T>(
  { warmup = 1, repeats = 5, signal }: RoundSettings,
  take: (round: number) => Promise<T>,
): Promise<readonly T[]> {
  assertCount({ argument: 'warmup', value: warmup, least: 0 });
  assertCount({ argument: 'repeats', value: repeats });
  const results: T[] = [];
  for (let round = -warmup; round < repeats; round++) {
    throwIfAborted(signal, 'The measurement');
    const result = await take(round);
    if (round >= 0) results.push(result);
  }
  return results;
}

/** What a run gives, and how long it takes by a clock in milliseconds. */
export async function timed<T>(
  now: () => number,
  run: () => T | Promise<T>,
): Promise<{ readonly value: T; readonly ms: number }> {
  const start = now();
  const value = await run();
  return { value, ms: now() - start };
}
