import { FileError, HarmonicaError } from '@harmonica/core';

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
export function statusError(options: { address: string; response: Response }): DownloadError {
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
