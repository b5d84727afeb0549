import { AbortedError, FileError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { DownloadError, type RetryOptions, retrying } from './hub-requests.js';

const passing = new DownloadError({ path: 'x', problem: 'busy', transient: true });
const lasting = new DownloadError({ path: 'x', problem: 'gone', status: 404 });

/** Tries something that fails so, one error after the other; returns the moments of all tries and the outcome. */
async function attempts(errors: readonly Error[], options: Partial<RetryOptions<string>> = {}) {
  const moments: number[] = [];
  const run = async () => {
    const error = errors[moments.length];
    moments.push(performance.now());
    if (error) throw error;
    return 'done';
  };
  const settings = { what: 'Trying', retries: 3, retryDelayMs: 20, signal: undefined };
  const outcome = await retrying({ ...settings, ...options, run }).catch((error: unknown) => error);
  const waits = moments.slice(1).map((moment, i) => moment - (moments[i] as number));
  return { outcome, waits };
}

describe('retrying', () => {
  it('waits at least twice as long each time', async () => {
    const { outcome, waits } = await attempts([passing, passing, passing]);
    expect(outcome).toBe('done');
    expect(waits).toHaveLength(3);
    for (const [i, wait] of waits.entries()) expect(wait).toBeGreaterThan(20 * 2 ** i - 2);
  });

  it('gives up with the last error', async () => {
    const last = new DownloadError({ path: 'x', problem: 'still busy', transient: true });
    const { outcome, waits } = await attempts([passing, passing, passing, last]);
    expect(outcome).toBe(last);
    expect(waits).toHaveLength(3);
  });

  it.each([
    lasting,
    new FileError({ path: 'x', problem: 'no room' }),
    new TypeError('a mistake'),
    new DownloadError({ path: 'x', problem: 'busy', transient: true, retryAfterMs: 300_001 }),
  ])('does not try again after "$message"', async (error) => {
    const { outcome, waits } = await attempts([error]);
    expect(outcome).toBe(error);
    expect(waits).toEqual([]);
  });

  it('does not count tries that got ahead', async () => {
    let tries = 0;
    const gotAhead = () => ++tries <= 10;
    const errors = new Array(13).fill(passing);
    const { outcome, waits } = await attempts(errors, { gotAhead, retryDelayMs: 0 });
    expect(outcome).toBe('done');
    expect(waits).toHaveLength(13);
  });

  it('waits as long as the server says', async () => {
    const retryAfterMs = 150;
    const busy = new DownloadError({ path: 'x', problem: 'busy', transient: true, retryAfterMs });
    const { outcome, waits } = await attempts([busy], { retryDelayMs: 0 });
    expect(outcome).toBe('done');
    expect(waits[0]).toBeGreaterThan(148);
  });

  it('stops when it is told to', async () => {
    const stopped = await attempts([], { signal: AbortSignal.abort('enough') });
    expect(stopped.outcome).toBeInstanceOf(AbortedError);
    const { outcome, waits } = await attempts([passing, passing], {
      signal: AbortSignal.timeout(50),
      retryDelayMs: 10_000,
    });
    expect(outcome).toBeInstanceOf(AbortedError);
    expect(waits).toEqual([]);
  });
});
