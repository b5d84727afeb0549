import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileError, writeFileAtomic } from '../files.js';
import { type HubFile, type HubRepository, isCommit } from './hub-repository.js';

/** Where a model lies in the cache, in the layout that all Hugging Face libraries share. */
export interface CachePaths {
  /** File that holds the commit of the wanted revision. */
  readonly ref: string;
  /** Folder with the files of a commit. */
  snapshot(commit: string): string;
  /** Link by which a file of a commit stands there. */
  name(commit: string, file: HubFile): string;
  /** Content, named by its hash. */
  blob(file: HubFile): string;
  /** Content that has not come whole yet. */
  partial(file: HubFile): string;
}

/** The paths of a model in the cache. Nothing need be there yet. */
export function cachePaths({
  repository,
  settings,
}: Pick<HubRepository, 'repository' | 'settings'>): CachePaths {
  const { cacheFolder, revision } = settings;
  const folder = join(cacheFolder, ['models', ...repository.split('/')].join('--'));
  const snapshot = (commit: string) => join(folder, 'snapshots', commit);
  const blob = ({ hash }: HubFile) => join(folder, 'blobs', hash.digest);
  return {
    ref: join(folder, 'refs', ...revision.split('/')),
    snapshot,
    name: (commit, file) => join(snapshot(commit), ...file.path.split('/')),
    blob,
    partial: (file) => `${blob(file)}.incomplete`,
  };
}

/** The commit of the wanted revision, if the cache has anything of it. */
export async function cachedCommit(
  hub: Pick<HubRepository, 'repository' | 'settings'>,
): Promise<string | undefined> {
  const { revision } = hub.settings;
  const paths = cachePaths(hub);
  const commit = isCommit(revision) ? revision : await readRef(paths.ref);
  if (commit === undefined || !(await isThere(paths.snapshot(commit)))) return undefined;
  return commit;
}

/** Notes which commit the wanted revision stands for. */
export async function writeRef(options: { hub: HubRepository; commit: string }): Promise<void> {
  const { hub, commit } = options;
  if (hub.settings.revision === commit) return;
  const { ref } = cachePaths(hub);
  if ((await readRef(ref)) === commit) return;
  await makeFolder(dirname(ref));
  await writeFileAtomic({ path: ref, chunks: [new TextEncoder().encode(commit)] });
}

/** Size of a file, links followed; undefined if there is none. */
export async function sizeOfFile(path: string): Promise<number | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ? stats.size : undefined;
}

/** Makes a folder and those around it. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw fileError({ path, action: 'written', cause });
  }
}

/** Lets a name in a snapshot stand for a blob: by a symbolic link, or by a hard link where there are none. */
export async function linkBlob(options: { blob: string; name: string }): Promise<void> {
  const { blob, name } = options;
  await makeFolder(dirname(name));
  const temporary = `${name}.${randomUUID()}.tmp`;
  try {
    await symlink(relative(dirname(name), blob), temporary).catch(() => link(blob, temporary));
    await rename(temporary, name);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw fileError({ path: name, action: 'written', cause });
  }
}

async function readRef(path: string): Promise<string | undefined> {
  const text = (await readFile(path, 'utf8').catch(() => '')).trim();
  return isCommit(text) ? text : undefined;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
