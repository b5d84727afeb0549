import {
  type CacheSchedule,
  parseCacheSchedule,
  parseJson,
  parseRouterFile,
  type RouterFile,
} from '@harmonica/core';
import { z } from 'zod';

/**
 * Reads a document that is either a router or a cache schedule, told apart by its `kind`.
 *
 * @param source file name or what the text is, for messages.
 * @throws {@link ConfigError} with every issue and its path.
 */
export function parseCacheDocument(text: string, source = 'router'): RouterFile | CacheSchedule {
  const schema = z.object({ kind: z.enum(['router', 'cache-schedule']) });
  const { kind } = parseJson({ source, text, schema });
  return kind === 'router' ? parseRouterFile(text, source) : parseCacheSchedule(text, source);
}
