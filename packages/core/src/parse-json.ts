import type { ZodType } from 'zod';
import { ConfigError } from './errors.js';

/** Options of {@link parseJson}. */
export interface ParseJsonOptions<T> {
  /** Where the text came from, for messages: a file name, or what it is. */
  readonly source: string;
  readonly text: string;
  readonly schema: ZodType<T>;
}

/**
 * Parses and checks a JSON document, with or without a byte order mark.
 *
 * @throws {@link ConfigError} with every issue and its path; also for values within more than 256 lists and objects
 */
export function parseJson<T>({ source, text, schema }: ParseJsonOptions<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError({ source, issues: [{ path: '', message }], cause });
  }
  if (isDeepJson(text)) {
    const message = `values within more than ${MAX_DEPTH} lists and objects`;
    throw new ConfigError({ source, issues: [{ path: '', message }] });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => ({
    path: path.join('.'),
    message,
  }));
  throw new ConfigError({ source, issues });
}

/** No document of these packages, or of models, has as many lists and objects within each other. */
const MAX_DEPTH = 256;

/** What opens and closes a value, and the strings that may hold such characters. */
const BRACKET_OR_STRING = /[[{\]}]|"[^"\\]*(?:\\.[^"\\]*)*"/g;

/**
 * Whether values of a JSON document lie within more than 256 lists and objects. Programs that walk through such a document run
 * out of stack.
 *
 * @param text a document that `JSON.parse` accepts
 */
export function isDeepJson(text: string): boolean {
  let depth = 0;
  for (const [token] of text.matchAll(BRACKET_OR_STRING)) {
    if (token === '[' || token === '{') depth++;
    else if (token === ']' || token === '}') depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}
