import type { HubSettings } from './hub-options.js';

/** Ends a transfer that has gone silent, or that its caller stops. */
export interface StallGuard {
  /** For the request. */
  readonly signal: AbortSignal;
  /** Something came. */
  touch(): void;
  /** Nothing more is awaited: what still might come is cut off. */
  stop(): void;
}

/** Starts to watch for silence of `timeoutMs`. The caller stops it. */
export function createStallGuard(options: Pick<HubSettings, 'timeoutMs' | 'signal'>): StallGuard {
  const { timeoutMs, signal } = options;
  const silence = new AbortController();
  const timer = setTimeout(
    () => silence.abort(new DOMException(`nothing came for ${timeoutMs} ms`, 'TimeoutError')),
    timeoutMs,
  );
  return {
    signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    touch: () => void timer.refresh(),
    stop() {
      clearTimeout(timer);
      silence.abort();
    },
  };
}
