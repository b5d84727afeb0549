import { FileError, throwIfAborted } from '@harmonica/core';
import { type ModelFolder, openLocalFolder } from '../local-folder.js';
import { downloadBlob } from './download-blob.js';
import {
  type CachePaths,
  cachedCommit,
  cachePaths,
  linkBlob,
  sizeOfFile,
  writeRef,
} from './hub-cache.js';
import { findCommit, type HubFile, type HubRepository, listRepository } from './hub-repository.js';
import { createHubFetch, DownloadError, type HubSettings } from './hub-requests.js';

/**
 * A model on a hub, whose files are downloaded into the cache when they are located. Offline, or where the hub cannot be
 * reached but the cache has something of the revision, it is what the cache has.
 *
 * @param options.repository owner and name
 * @throws {@link DownloadError} if the hub does not give it
 * @throws {@link FileError} if the cache cannot be read or written, or has nothing of it offline
 * @throws {@link AbortedError}
 */
export async function openHubFolder(options: {
  repository: string;
  settings: HubSettings;
}): Promise<ModelFolder> {
  const { settings } = options;
  const cached = await cachedCommit(options);
  if (settings.offline) return openCached(options, cached);
  const hub: HubRepository = { ...options, hubFetch: createHubFetch(settings) };
  try {
    const retries = cached === undefined ? settings.retries : 0;
    const commit = await findCommit({ hub, retries });
    const files = await listRepository({ hub, commit });
    await writeRef({ hub, commit });
    return createHubFolder({ hub, commit, files });
  } catch (error) {
    if (cached !== undefined && isUnreachable(error)) return openCached(options, cached);
    throw error;
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof DownloadError && error.transient;
}

async function openCached(
  options: Pick<HubRepository, 'repository' | 'settings'>,
  commit: string | undefined,
): Promise<ModelFolder> {
  const { repository, settings } = options;
  const paths = cachePaths(options);
  if (commit === undefined) {
    throw new FileError({
      path: paths.ref,
      problem: `the cache has nothing of ${repository} at ${settings.revision}, and this is offline`,
      fix: 'Load it once without HF_HUB_OFFLINE, or give the path of a local folder.',
    });
  }
  const folder = await openLocalFolder({ path: paths.snapshot(commit), nested: true });
  return { ...folder, name: `${folder.name} (offline)`, commit };
}

function createHubFolder(options: {
  hub: HubRepository;
  commit: string;
  files: readonly HubFile[];
}): ModelFolder {
  const { hub, commit, files } = options;
  const byPath = new Map(files.map((file) => [file.path, file]));
  return {
    name: `${hub.settings.endpoint}/${hub.repository}`,
    commit,
    files: [...byPath.keys()],
    locate: (wanted) =>
      locateAll({ hub, commit, files: wanted.map((path) => byPath.get(path) as HubFile) }),
  };
}

/** One after the other: a single connection fills most lines, and what has come whole stays. */
async function locateAll(options: {
  hub: HubRepository;
  commit: string;
  files: readonly HubFile[];
}): Promise<string[]> {
  const { hub, commit, files } = options;
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const located: string[] = [];
  let before = 0;
  for (const file of files) {
    throwIfAborted(hub.settings.signal, `Downloading ${file.path}`);
    const onBytes = (bytes: number) =>
      hub.settings.onProgress?.({ file: file.path, loadedBytes: before + bytes, totalBytes });
    located.push(await locate({ hub, commit, file, onBytes }));
    before += file.sizeBytes;
  }
  return located;
}

async function locate(options: {
  hub: HubRepository;
  commit: string;
  file: HubFile;
  onBytes: (bytes: number) => void;
}): Promise<string> {
  const { hub, commit, file, onBytes } = options;
  const paths: CachePaths = cachePaths(hub);
  const name = paths.name(commit, file);
  if ((await sizeOfFile(name)) === file.sizeBytes) {
    onBytes(file.sizeBytes);
    return name;
  }
  const [blob, partial] = [paths.blob(file), paths.partial(file)];
  if ((await sizeOfFile(blob)) === file.sizeBytes) onBytes(file.sizeBytes);
  else {
    const address = addressOf({ hub, commit, file });
    await downloadBlob({ ...hub, address, file, blob, partial, onBytes });
  }
  await linkBlob({ blob, name });
  return name;
}

function addressOf(options: { hub: HubRepository; commit: string; file: HubFile }): string {
  const { hub, commit, file } = options;
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  return `${hub.settings.endpoint}/${hub.repository}/resolve/${commit}/${path}`;
}
