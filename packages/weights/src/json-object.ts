import { CheckpointError } from '@harmonica/core';
import { findRepeatedKey } from './repeated-key.js';

/** An object as `JSON.parse` gives it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Parses a JSON object in which no key is repeated.
 *
 * @param options.what what the text is, for error messages
 * @throws {@link CheckpointError} if it is anything else
 */
export function parseJsonObject(options: {
  path: string;
  what: string;
  bytes: Uint8Array;
}): JsonObject {
  const { path, what } = options;
  const { text, value } = parseJson(options);
  if (!isJsonObject(value)) {
    throw new CheckpointError({ path, problem: `the ${what} is not a JSON object` });
  }
  const key = findRepeatedKey(text);
  if (key === undefined) return value;
  throw new CheckpointError({ path, key, problem: `the key occurs twice in the ${what}` });
}

/** Tells an object from the other values of a JSON document. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(options: { path: string; what: string; bytes: Uint8Array }): {
  text: string;
  value: unknown;
} {
  const { path, what, bytes } = options;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { text, value: JSON.parse(text) };
  } catch (cause) {
    throw new CheckpointError({ path, problem: `the ${what} is not JSON`, cause });
  }
}
