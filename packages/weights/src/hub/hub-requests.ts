import { homedir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { AbortedError, FileError, HarmonicaError, InvalidArgumentError } from '@harmonica/core';
import type { RetryContext } from 'p-retry';
import pRetry from 'p-retry';

/** Makes requests to one hub. Throws for every answer other than success. */
export type HubFetch = (address: string, init?: RequestInit) => Promise<Response>;

/**
 * `fetch` for one hub. The token goes to requests of the hub's own origin and is dropped by `fetch` itself when an answer
 * redirects to another.
 *
 * @returns a function that throws {@link DownloadError} where there is no successful answer, and {@link AbortedError}
 */
export function createHubFetch(
  settings: Pick<HubSettings, 'endpoint' | 'token' | 'signal'>,
): HubFetch {
  const { endpoint, token, signal } = settings;
  const { origin } = new URL(endpoint);
  return async (address, init = {}) => {
    const shown = address.replace(/\?.*/, '');
    const headers = new Headers(init.headers);
    if (token && new URL(address).origin === origin) {
      headers.set('authorization', `Bearer ${token}`);
    }
    try {
      const response = await fetch(address, { ...init, headers });
      if (response.ok) return response;
      await response.body?.cancel();
      throw statusError({ address: shown, response });
    } catch (cause) {
      if (signal?.aborted) throw new AbortedError(`Downloading ${shown}`, signal.reason);
      throw downloadError({ address: shown, cause });
    }
  };
}

/** How far a download has come. */
export interface DownloadProgress {
  /** The file that is being received, relative to the model. */
  readonly file: string;
  /** Bytes of the files wanted together that are here, those of earlier runs included. */
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

/** Where models come from, where they are kept, and how stubbornly they are asked for. */
export interface HubOptions {
  /** Branch, tag or commit. Default `main`. */
  readonly revision?: string;
  /** Default `HF_ENDPOINT`, or `https://huggingface.co`. */
  readonly endpoint?: string;
  /** Sent to `endpoint` alone. Default `HF_TOKEN`, or none. */
  readonly token?: string;
  /** Default `HF_HUB_CACHE`, or `hub` in `HF_HOME`, or `~/.cache/huggingface/hub`. */
  readonly cacheFolder?: string;
  /** Whether only the cache is asked. Default: whether `HF_HUB_OFFLINE` is 1, on, yes or true. */
  readonly offline?: boolean;
  /** How often in a row a request may fail for a passing reason and be made again. Default 5. */
  readonly retries?: number;
  /** Wait before the first of them, in milliseconds; it doubles, up to 30 s, and varies by chance. Default 1000. */
  readonly retryDelayMs?: number;
  /** Silence after which a connection counts as lost, in milliseconds. Default 30000. */
  readonly timeoutMs?: number;
  /** Called as bytes arrive. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

/** {@link HubOptions} with every default in place. */
export interface HubSettings extends Required<Omit<HubOptions, 'token' | 'onProgress' | 'signal'>> {
  readonly token: string | undefined;
  /** Called as bytes arrive. */
  readonly onProgress: HubOptions['onProgress'] | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Fills in what the options leave to the environment.
 *
 * @throws {@link InvalidArgumentError}
 */
export async function hubSettings(options: HubOptions): Promise<HubSettings> {
  const { getHFHubCachePath } = await import('@huggingface/hub');
  const { HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE = '' } = process.env;
  const settings: HubSettings = {
    revision: options.revision ?? 'main',
    endpoint: (options.endpoint ?? (HF_ENDPOINT || 'https://huggingface.co')).replace(/\/+$/, ''),
    token: (options.token ?? HF_TOKEN) || undefined,
    cacheFolder: options.cacheFolder ?? expandPath(getHFHubCachePath()),
    offline: options.offline ?? /^(1|on|yes|true)$/i.test(HF_HUB_OFFLINE),
    retries: options.retries ?? 5,
    retryDelayMs: options.retryDelayMs ?? 1000,
    timeoutMs: options.timeoutMs ?? 30_000,
    onProgress: options.onProgress,
    signal: options.signal,
  };
  checkSettings(settings);
  return settings;
}

/** `~` and variables of the environment in a path, as `huggingface_hub` takes them; those that are not set stay. */
function expandPath(path: string): string {
  const inHome = /^~(?=[/\\]|$)/.test(path) ? homedir() + path.slice(1) : path;
  return inHome.replace(
    /\$(?:\{(\w+)\}|(\w+))/g,
    (found, braced?: string, plain?: string) => process.env[braced ?? plain ?? ''] ?? found,
  );
}

function checkSettings(settings: HubSettings): void {
  const { endpoint, revision, retries } = settings;
  const protocol = URL.canParse(endpoint) ? new URL(endpoint).protocol : '';
  if (protocol !== 'https:' && protocol !== 'http:') {
    throw invalid('endpoint', endpoint, 'an http or https address');
  }
  if (!/^[\w.-]+(\/[\w.-]+)*$/.test(revision) || revision.split('/').includes('..')) {
    throw invalid('revision', revision, 'a branch, a tag or a commit');
  }
  if (!Number.isInteger(retries) || retries < 0) {
    throw invalid('retries', retries, 'an integer from 0');
  }
  for (const field of ['retryDelayMs', 'timeoutMs'] as const) {
    const value = settings[field];
    if (!(value >= 0 && value < 2 ** 31)) throw invalid(field, value, 'milliseconds below 2^31');
  }
}

function invalid(argument: keyof HubOptions, value: unknown, expected: string) {
  return new InvalidArgumentError({ argument, value, expected });
}

/** A file or an answer that a hub does not give, or gives wrongly. `path` is the address. */
export class DownloadError extends FileError {
  /** HTTP status; undefined if there was no answer, or the fault is in the content. */
  readonly status: number | undefined;
  /** Whether trying again may help. */
  readonly transient: boolean;
  /** How long the hub asks to wait before that, in milliseconds; 0 if it does not say. */
  readonly retryAfterMs: number;

  constructor(fields: {
    path: string;
    problem: string;
    status?: number;
    transient?: boolean;
    retryAfterMs?: number;
    fix?: string;
    cause?: unknown;
  }) {
    super(fields);
    this.status = fields.status;
    this.transient = fields.transient ?? false;
    this.retryAfterMs = fields.retryAfterMs ?? 0;
  }
}

const fixes: Readonly<Record<number, string>> = {
  401: 'Check the name, which is no local path either. If the model is private or gated, set HF_TOKEN to a token that may read it.',
  403: 'Ask for access on the page of the model, and set HF_TOKEN to a token that may read it.',
  404: 'Check the name, which is no local path either, the revision and the file.',
  429: 'Try again later, or set HF_TOKEN for a higher limit.',
};

/** What an answer other than success means. */
function statusError(options: { address: string; response: Response }): DownloadError {
  const { address, response } = options;
  const { status, headers, statusText } = response;
  const reason = headers.get('x-error-message') ?? statusText;
  const transient = status === 408 || status === 429 || status >= 500;
  return new DownloadError({
    path: address,
    problem: `the server answers ${status}${reason && ` (${reason})`}`,
    status,
    transient,
    retryAfterMs: retryAfter(headers.get('retry-after')),
    fix: fixes[status] ?? (transient ? 'Try again later.' : 'Check the name and HF_ENDPOINT.'),
  });
}

/** Turns whatever a request fails with into a typed error. */
export function downloadError(options: { address: string; cause: unknown }): HarmonicaError {
  const { address: path, cause } = options;
  if (HarmonicaError.isInstance(cause)) return cause;
  if (!isConnectionFailure(cause)) {
    const problem = `the answer is malformed (${reasonOf(cause)})`;
    return new DownloadError({ path, problem, fix: 'Check HF_ENDPOINT.', cause });
  }
  return new DownloadError({
    path,
    problem: `the connection fails (${reasonOf(cause)})`,
    transient: true,
    fix: 'Check the network and HF_ENDPOINT, or work offline with HF_HUB_OFFLINE=1.',
    cause,
  });
}

/** `fetch` throws a TypeError with a cause where the network fails, and a DOMException where time runs out. */
export function isConnectionFailure(error: unknown): boolean {
  return (error instanceof TypeError && error.cause !== undefined) || error instanceof DOMException;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}

/** Milliseconds that a `Retry-After` header asks for, in seconds or as a date (RFC 9110, 10.2.3). */
function retryAfter(header: string | null): number {
  if (!header) return 0;
  const seconds = Number(header);
  const waitMs = Number.isFinite(seconds) ? 1000 * seconds : Date.parse(header) - Date.now();
  return Math.max(0, waitMs || 0);
}

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

/** Ends a transfer that has gone silent, or that its caller stops. */
interface StallGuard {
  /** For the request. */
  readonly signal: AbortSignal;
  /** Something came. */
  touch(): void;
  /** Nothing more is awaited: what still might come is cut off. */
  stop(): void;
}

/**
 * Starts to watch for silence of `timeoutMs`. The caller stops it. Timer and listener hold what they abort: signals that are
 * derived by `AbortSignal.any` and `AbortSignal.timeout` are lost to garbage collection in Node 20 while a request waits.
 */
export function createStallGuard(options: Pick<HubSettings, 'timeoutMs' | 'signal'>): StallGuard {
  const { timeoutMs, signal } = options;
  const silence = new AbortController();
  const abort = () => silence.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort);
  const timer = setTimeout(
    () => silence.abort(new DOMException(`nothing came for ${timeoutMs} ms`, 'TimeoutError')),
    timeoutMs,
  );
  return {
    signal: silence.signal,
    touch: () => void timer.refresh(),
    stop() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      silence.abort();
    },
  };
}

/** What comes of an answer, piece by piece. */
export async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body) yield* response.body as unknown as AsyncIterable<Uint8Array>; // as it is in Node
}
