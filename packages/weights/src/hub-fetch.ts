import { AbortedError } from '@harmonica/core';
import { downloadError, statusError } from './download-error.js';
import type { HubSettings } from './hub-options.js';

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
