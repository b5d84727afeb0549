import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type CacheSchedule, FileError, type RouterFile } from '@harmonica/core';
import { emojiDitRouter, listRouters } from '@harmonica/emoji-dit';
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
  const isShipped = (await listRouters()).some(({ name }) => name === nameOrPath);
  const document = isShipped ? await emojiDitRouter(nameOrPath) : await readDocument(nameOrPath);
  return {
    name: basename(nameOrPath, '.json'),
    document,
    schedule: document.kind === 'router' ? toSchedule(document) : document,
  };
}

async function readDocument(path: string): Promise<RouterFile | CacheSchedule> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const shipped = (await listRouters()).map(({ name }) => name);
    const fix = `Give a file${shipped.length > 0 ? `, or one of ${shipped.join(', ')}` : ''}.`;
    const problem = 'is neither a file that can be read nor a router of emoji-dit';
    throw new FileError({ path, problem, fix, cause });
  }
  return parseCacheDocument(text, path);
}
