import { setTimeout as sleep } from 'node:timers/promises';
import { AbortedError } from '@harmonica/core';
import pRetry, { type RetryContext } from 'p-retry';
import { DownloadError } from './download-error.js';
import type { HubSettings } from './hub-options.js';

/** Longest wait between two tries that the project chooses. */
const MAX_DELAY_MS = 30_000;

/** Longest wait that a server may ask for: the window in which the hub counts requests. */
const MAX_RETRY_AFTER_MS = 300_000;

/** What to try, and how often. */
export interface RetryOptions<T> extends Pick<HubSettings, 'retries' | 'retryDelayMs' | 'signal'> {
  /** For error messages. */
  readonly what: string;
  readonly run: () => Promise<T>;
  /** Whether the try that just failed got ahead all the same, and so does not count. Default: never. */
  readonly gotAhead?: () => boolean;
}

/**
 * Runs again what fails with a transient {@link DownloadError}: after 1, 2, 4, ... times `retryDelayMs`, each up to
 * doubled by chance, and never before the server's `Retry-After` has passed.
 *
 * @throws what the last try failed with
 * @throws {@link AbortedError}
 */
export async function retrying<T>(options: RetryOptions<T>): Promise<T> {
  const { what, run, retries, retryDelayMs, signal, gotAhead = () => false } = options;
  try {
    return await pRetry(run, {
      retries,
      minTimeout: retryDelayMs,
      maxTimeout: MAX_DELAY_MS,
      randomize: true,
      signal,
      shouldRetry: ({ error }) => isWorthwhile(error),
      shouldConsumeRetry: () => !gotAhead(),
      onFailedAttempt: (context) => heedServer(context, signal),
    });
  } catch (error) {
    if (signal?.aborted) throw new AbortedError(what, signal.reason);
    throw error;
  }
}

async function heedServer(
  { error, retriesLeft }: RetryContext,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (retriesLeft === 0 || !isWorthwhile(error) || error.retryAfterMs === 0) return;
  await sleep(error.retryAfterMs, undefined, { signal });
}

function isWorthwhile(error: Error): error is DownloadError {
  return (
    error instanceof DownloadError && error.transient && error.retryAfterMs <= MAX_RETRY_AFTER_MS
  );
}
