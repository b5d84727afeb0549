import { InvalidArgumentError } from '@harmonica/core';

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
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
}

/** {@link HubOptions} with every default in place. */
export interface HubSettings {
  readonly revision: string;
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly cacheFolder: string;
  readonly offline: boolean;
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly timeoutMs: number;
  readonly onProgress: ((progress: DownloadProgress) => void) | undefined;
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
    cacheFolder: options.cacheFolder ?? getHFHubCachePath(),
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
