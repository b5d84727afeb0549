import type { ListFileEntry } from '@huggingface/hub';
import { isSize } from '../dtypes.js';
import { isBelow } from '../files.js';
import {
  chunksOf,
  createStallGuard,
  DownloadError,
  downloadError,
  type HubFetch,
  type HubSettings,
  retrying,
} from './hub-requests.js';

/** A model on a hub. */
export interface HubRepository {
  /** Owner and name, such as `facebook/DiT-XL-2-256`. */
  readonly repository: string;
  readonly settings: HubSettings;
  readonly hubFetch: HubFetch;
}

/** One file of a model on a hub. */
export interface HubFile {
  /** Within the model, with slashes. */
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 of the content for large files, SHA-1 of the git object for small ones. */
  readonly hash: FileHash;
}

/** What a file's content must hash to, in lower-case hexadecimal digits. */
interface FileHash {
  readonly algorithm: 'sha256' | 'git-sha1';
  readonly digest: string;
}

/** Whether a revision names one state of a model for good. */
export function isCommit(revision: unknown): revision is string {
  return typeof revision === 'string' && /^[0-9a-f]{40}$/.test(revision);
}

/**
 * The commit that the wanted revision stands for now.
 *
 * @param options.retries instead of those of the settings
 * @throws {@link DownloadError} if the hub does not say
 * @throws {@link AbortedError}
 */
export async function findCommit(options: {
  hub: HubRepository;
  retries: number;
}): Promise<string> {
  const { hub, retries } = options;
  const { repository, settings } = hub;
  const { modelInfo } = await import('@huggingface/hub');
  const { sha } = await ask({
    hub,
    retries,
    call: (access) =>
      modelInfo({
        ...access,
        name: repository,
        revision: settings.revision,
        additionalFields: ['sha'],
      }),
  });
  if (isCommit(sha)) return sha;
  throw malformed(hub, `revision ${settings.revision} is commit ${JSON.stringify(sha)}`);
}

/**
 * All files of a commit.
 *
 * @throws {@link DownloadError} if the hub does not say
 * @throws {@link AbortedError}
 */
export async function listRepository(options: {
  hub: HubRepository;
  commit: string;
}): Promise<HubFile[]> {
  const { hub, commit } = options;
  const { repository, settings } = hub;
  const { listFiles } = await import('@huggingface/hub');
  return ask({
    hub,
    retries: settings.retries,
    call: async (access) => {
      const files: HubFile[] = [];
      let entries = 0;
      const listing = { ...access, repo: repository, revision: commit, recursive: true };
      for await (const entry of listFiles(listing)) {
        entries += 1;
        if (entries > MAX_ENTRIES) throw malformed(hub, `it lists more than ${MAX_ENTRIES} files`);
        if (entry.type === 'file') files.push(checkEntry(hub, entry));
      }
      return files;
    },
  });
}

/** Most files and folders of a repository: the hub itself advises against more. */
const MAX_ENTRIES = 100_000;

/** Most requests for one answer: pages of a listing have up to 1,000 entries. */
const MAX_PAGES = 1000;

/** Most bytes of one answer. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20;

/** Calls a function of the hub's client with our own `fetch`, again if that may help. */
function ask<T>(options: {
  hub: HubRepository;
  retries: number;
  call: (access: { hubUrl: string; fetch: typeof fetch }) => Promise<T>;
}): Promise<T> {
  const { hub, retries, call } = options;
  const { endpoint } = hub.settings;
  const address = addressOf(hub);
  const run = async () => {
    let pages = 0;
    const limitedFetch: typeof fetch = (input, init) => {
      pages += 1;
      if (pages > MAX_PAGES) throw malformed(hub, `it answers in more than ${MAX_PAGES} pages`);
      return wholeAnswer(hub, String(input), init);
    };
    try {
      return await call({ hubUrl: endpoint, fetch: limitedFetch });
    } catch (cause) {
      throw downloadError({ address, cause });
    }
  };
  return retrying({ ...hub.settings, retries, what: `Asking for ${address}`, run });
}

/** An answer with all of its body, which may neither fall silent nor be without end. */
async function wholeAnswer(
  hub: HubRepository,
  address: string,
  init: RequestInit | undefined,
): Promise<Response> {
  const guard = createStallGuard(hub.settings);
  try {
    const response = await hub.hubFetch(address, { ...init, signal: guard.signal });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of chunksOf(response)) {
      guard.touch();
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES)
        throw malformed(hub, `an answer is over ${MAX_ANSWER_BYTES} bytes`);
      chunks.push(chunk);
    }
    const { status } = response;
    const headers = new Headers(response.headers);
    headers.delete('content-encoding'); // what came is decoded already
    return new Response(size > 0 ? Buffer.concat(chunks) : null, { status, headers });
  } finally {
    guard.stop();
  }
}

/** Nothing that the hub says becomes part of a local path before it is checked. */
function checkEntry(hub: HubRepository, entry: ListFileEntry): HubFile {
  const { path, size, oid, lfs } = entry;
  const digest = lfs ? lfs.oid : oid;
  const pattern = lfs ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/;
  if (typeof path !== 'string' || !isBelow(path) || path.includes('\\')) {
    throw malformed(hub, `it lists a file ${JSON.stringify(path)}`);
  }
  if (!isSize(size) || typeof digest !== 'string' || !pattern.test(digest)) {
    throw malformed(hub, `it lists ${path} with size ${size} and hash ${digest}`);
  }
  return { path, sizeBytes: size, hash: { algorithm: lfs ? 'sha256' : 'git-sha1', digest } };
}

function addressOf({ repository, settings }: HubRepository): string {
  return `${settings.endpoint}/${repository}`;
}

function malformed(hub: HubRepository, problem: string): DownloadError {
  return new DownloadError({ path: addressOf(hub), problem, fix: 'Check HF_ENDPOINT.' });
}
