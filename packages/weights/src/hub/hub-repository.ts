import type { ListFileEntry } from '@huggingface/hub';
import { isSize } from '../dtypes.js';
import { isBelow } from '../files.js';
import {
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
      const listing = { ...access, repo: repository, revision: commit, recursive: true };
      for await (const entry of listFiles(listing)) {
        if (entry.type === 'file') files.push(checkEntry(hub, entry));
      }
      return files;
    },
  });
}

/** Calls a function of the hub's client with our own `fetch`, again if that may help. */
function ask<T>(options: {
  hub: HubRepository;
  retries: number;
  call: (access: { hubUrl: string; fetch: typeof fetch }) => Promise<T>;
}): Promise<T> {
  const { hub, retries, call } = options;
  const { endpoint, signal, timeoutMs } = hub.settings;
  const address = addressOf(hub);
  const limitedFetch: typeof fetch = (input, init) => {
    const limit = AbortSignal.timeout(timeoutMs);
    return hub.hubFetch(String(input), {
      ...init,
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
  };
  const run = async () => {
    try {
      return await call({ hubUrl: endpoint, fetch: limitedFetch });
    } catch (cause) {
      throw downloadError({ address, cause });
    }
  };
  return retrying({ ...hub.settings, retries, what: `Asking for ${address}`, run });
}

/** Nothing that the hub says becomes part of a local path before it is checked. */
function checkEntry(hub: HubRepository, entry: ListFileEntry): HubFile {
  const { path, size, oid, lfs } = entry;
  const digest = lfs ? lfs.oid : oid;
  const pattern = lfs ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/;
  if (typeof path !== 'string' || !isBelow(path) || /[\\\0]/.test(path)) {
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
