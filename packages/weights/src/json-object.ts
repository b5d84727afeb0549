import { CheckpointError, isDeepJson } from '@harmonica/core';

/** An object as `JSON.parse` gives it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Parses a JSON object in which no key is repeated. Python writes `NaN`, `Infinity` and `-Infinity` for numbers that JSON does
 * not have, and so does diffusers in its configurations: they are those numbers.
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
  if (isDeepJson(text)) {
    throw new CheckpointError({ path, problem: `the ${what} has values within too many others` });
  }
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
    return { text, value: parseText(text) };
  } catch (cause) {
    throw new CheckpointError({ path, problem: `the ${what} is not JSON`, cause });
  }
}

/** A string of JSON, or one of the numbers that only Python writes. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*(?:"|$)|-?\bInfinity\b|\bNaN\b/gs;

/** What stands for `NaN` until the document is parsed: a text that no document of UTF-8 has. */
const NOT_A_NUMBER = '\uD800NaN';

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (/NaN|Infinity/.test(text)) return parsePythonText(text);
    throw error;
  }
}

function parsePythonText(text: string): unknown {
  const standard = text.replace(STRING_OR_NUMBER, (found) => {
    if (found === 'NaN') return JSON.stringify(NOT_A_NUMBER);
    return found.endsWith('Infinity') ? found.replace('Infinity', '1e999') : found;
  });
  return JSON.parse(standard, (_, value) => (value === NOT_A_NUMBER ? Number.NaN : value));
}

/**
 * The first key that some object of a JSON document holds twice, which `JSON.parse` would silently let win.
 *
 * @param json a document that `JSON.parse` accepts
 */
export function findRepeatedKey(json: string): string | undefined {
  const open: Set<string>[] = []; // keys so far of each object around the cursor
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{') open.push(new Set());
    else if (character === '}') open.pop();
    else if (character === '"') {
      const end = endOfString(json, at);
      if (isKey(json, end)) {
        const key = JSON.parse(json.slice(at, end)) as string;
        if (open.at(-1)?.has(key)) return key;
        open.at(-1)?.add(key);
      }
      at = end - 1;
    }
  }
  return undefined;
}

/** Index after the closing quote of the string that starts at `start`. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

function isKey(json: string, after: number): boolean {
  let at = after;
  while (' \t\r\n'.includes(json[at] ?? ':')) at++;
  return json[at] === ':';
}
