import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const REPOSITORY = 'facebook/DiT-test';
export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** What the server was asked. */
interface HubRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** What a misbehaving server does instead of its duty. */
export type Fault = (exchange: {
  request: IncomingMessage;
  response: ServerResponse;
  /** Content of the file that is asked for, if it is a file. */
  bytes: Uint8Array;
}) => void;

export interface HubServer {
  readonly endpoint: string;
  readonly requests: HubRequest[];
  /** What the server says about its files; may be changed. */
  readonly entries: Record<string, unknown>[];
  /** Addresses that end so get these faults, one per request, before the server does its duty again. */
  fail(end: string, ...faults: Fault[]): void;
  /** The same with one fault for all requests. */
  failAlways(end: string, fault: Fault): void;
  close(): Promise<void>;
}

/**
 * Serves one model on localhost by the hub's protocol: revision, tree (in pages), files by range.
 *
 * @param large files that stand in large-file storage and so are known by their SHA-256
 */
export async function startHubServer(options: {
  files: Readonly<Record<string, Uint8Array>>;
  large?: readonly string[];
}): Promise<HubServer> {
  const { files, large = [] } = options;
  const requests: HubRequest[] = [];
  const faults = new Map<string, Fault[]>();
  const entries = Object.entries(files).map(([path, bytes]) =>
    entryOf({ path, bytes, isLarge: large.includes(path) }),
  );
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '', 'http://hub').pathname);
    const { range, authorization } = request.headers;
    requests.push({ path, range, authorization });
    const bytes = fileOf({ path, files });
    const fault = nextFault({ path, faults });
    if (fault) fault({ request, response, bytes: bytes ?? new Uint8Array(0) });
    else answer({ request, response, path, bytes, entries });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    entries,
    fail: (end, ...list) => void faults.set(end, list),
    failAlways: (end, fault) => void faults.set(end, new Array(10_000).fill(fault)),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers with a status and nothing else. */
export function status(code: number, headers: Record<string, string> = {}): Fault {
  return ({ response }) => void response.writeHead(code, headers).end('no JSON');
}

/** Sends the file, from where it is asked for, and breaks the connection after some bytes. */
export function cutAfter(bytesSent: number): Fault {
  return ({ request, response, bytes }) => {
    const begin = writeHead({ request, response, bytes });
    response.write(bytes.subarray(begin, begin + bytesSent), () => response.destroy());
  };
}

/** Sends some bytes, then nothing more, without breaking the connection. */
export function stallAfter(bytesSent: number): Fault {
  return ({ request, response, bytes }) => {
    const begin = writeHead({ request, response, bytes });
    response.write(bytes.subarray(begin, begin + bytesSent));
  };
}

/** Sends the file in pieces, with a pause after each. */
export function slowly(options: { pieces: number; pauseMs: number }): Fault {
  const { pieces, pauseMs } = options;
  return async ({ request, response, bytes }) => {
    const begin = writeHead({ request, response, bytes });
    const size = Math.ceil((bytes.length - begin) / pieces);
    for (let at = begin; at < bytes.length; at += size) {
      response.write(bytes.subarray(at, at + size));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    response.end();
  };
}

/** Sends the file with its last byte changed. */
export const corrupted: Fault = ({ request, response, bytes }) => {
  const wrong = Uint8Array.from(bytes);
  wrong[wrong.length - 1] = (wrong.at(-1) as number) ^ 1;
  sendFile({ request, response, bytes: wrong });
};

/** Sends the whole file, whatever range is asked for. */
export const withoutRanges: Fault = ({ response, bytes }) => void response.writeHead(200).end(bytes);

/** Sends another range than the one that is asked for. */
export const otherRange: Fault = ({ response, bytes }) => {
  const range = `bytes 1-${bytes.length - 1}/${bytes.length}`;
  response.writeHead(206, { 'content-range': range }).end(bytes.subarray(1));
};

/** Sends more than it announced. */
export const tooMuch: Fault = ({ response, bytes }) => {
  response.writeHead(200);
  response.write(bytes);
  response.end(new Uint8Array(10));
};

/** Points elsewhere. */
export function redirectTo(location: string): Fault {
  return status(302, { location });
}

function entryOf(options: { path: string; bytes: Uint8Array; isLarge: boolean }) {
  const { path, bytes, isLarge } = options;
  const size = bytes.length;
  const oid = createHash('sha1').update(`blob ${size}\0`).update(bytes).digest('hex');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const lfs = { oid: sha256, size, pointerSize: 134 };
  return { type: 'file', path, size, oid, ...(isLarge && { lfs }) };
}

function nextFault({ path, faults }: { path: string; faults: Map<string, Fault[]> }) {
  for (const [end, list] of faults) if (path.endsWith(end)) return list.shift();
  return undefined;
}

function fileOf(options: { path: string; files: Readonly<Record<string, Uint8Array>> }) {
  const { path, files } = options;
  const prefix = `/${REPOSITORY}/resolve/${COMMIT}/`;
  return path.startsWith(prefix) ? files[path.slice(prefix.length)] : undefined;
}

function answer(options: {
  request: IncomingMessage;
  response: ServerResponse;
  path: string;
  bytes: Uint8Array | undefined;
  entries: readonly unknown[];
}): void {
  const { request, response, path, bytes, entries } = options;
  const api = `/api/models/${REPOSITORY}`;
  if (path === `${api}/revision/main` || path === `${api}/revision/${COMMIT}`) {
    return sendJson(response, { _id: '1', id: REPOSITORY, sha: COMMIT });
  }
  if (path === `${api}/tree/${COMMIT}`) return sendPage({ request, response, entries });
  if (bytes) return sendFile({ request, response, bytes });
  response.writeHead(404, { 'x-error-message': 'Not found' }).end();
}

/** Two entries a page, as the hub gives a thousand. */
function sendPage(options: {
  request: IncomingMessage;
  response: ServerResponse;
  entries: readonly unknown[];
}): void {
  const { request, response, entries } = options;
  const url = new URL(request.url ?? '', `http://${request.headers.host}`);
  const begin = Number(url.searchParams.get('cursor') ?? 0);
  if (begin + 2 < entries.length) {
    url.searchParams.set('cursor', String(begin + 2));
    response.setHeader('link', `<${url.href}>; rel="next"`);
  }
  sendJson(response, entries.slice(begin, begin + 2));
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function sendFile(options: {
  request: IncomingMessage;
  response: ServerResponse;
  bytes: Uint8Array;
}): void {
  const begin = writeHead(options);
  options.response.end(options.bytes.subarray(begin));
}

/** Returns the byte from which on the file is wanted. */
function writeHead(options: {
  request: IncomingMessage;
  response: ServerResponse;
  bytes: Uint8Array;
}): number {
  const { request, response, bytes } = options;
  const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
  const begin = Number(first ?? 0);
  response.writeHead(first === undefined ? 200 : 206, {
    'content-length': bytes.length - begin,
    ...(first !== undefined && {
      'content-range': `bytes ${begin}-${bytes.length - 1}/${bytes.length}`,
    }),
  });
  return begin;
}
