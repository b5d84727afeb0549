import type { ZodType } from 'zod';
import { ConfigError } from './errors.js';

/** Options of {@link parseJson}. */
export interface ParseJsonOptions<T> {
  /** Where the text came from, for messages: a file name, or what it is. */
  readonly source: string;
  readonly text: string;
  readonly schema: ZodType<T>;
}

/** Parses and checks a JSON document, with or without a byte order mark. @throws {@link ConfigError} with every issue and its path */
export function parseJson<T>({ source, text, schema }: ParseJsonOptions<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError({ source, issues: [{ path: '', message }], cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => ({
    path: path.join('.'),
    message,
  }));
  throw new ConfigError({ source, issues });
}
