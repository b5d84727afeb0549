import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type CacheSchedule, FileError, type RouterFile } from '@harmonica/core';
import { listRouters } from '@harmonica/emoji-dit';
import { parseCacheDocument, toSchedule } from '@harmonica/router';

/** A router or schedule, and what it is called. */
export interface NamedDocument {
  readonly name: string;
  readonly document: RouterFile | CacheSchedule;
  readonly schedule: CacheSchedule;
}

/**
 * Reads a router or schedule: a file, or the name of a router that comes with emoji-dit.
 *
 * @throws {@link FileError} if there is neither such a file nor such a router
 * @throws {@link ConfigError} if it is neither a router nor a schedule
 */
export async function readCacheDocument(nameOrPath: string): Promise<NamedDocument> {
  const document = parseCacheDocument(await readCacheText(nameOrPath), nameOrPath);
  return {
    name: basename(nameOrPath, '.json'),
    document,
    schedule: document.kind === 'router' ? toSchedule(document) : document,
  };
}

/**
 * The text of a router, schedule or calibration: of a file, or of a router that comes with emoji-dit.
 *
 * @throws {@link FileError} if there is neither such a file nor such a router
 */
export async function readCacheText(nameOrPath: string): Promise<string> {
  const shipped = await listRouters();
  const path = shipped.find(({ name }) => name === nameOrPath)?.path ?? nameOrPath;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const names = shipped.map(({ name }) => name);
    const fix = `Give a file${names.length > 0 ? `, or one of ${names.join(', ')}` : ''}.`;
    const problem = 'is neither a file that can be read nor a router of emoji-dit';
    throw new FileError({ path: nameOrPath, problem, fix, cause });
  }
}
