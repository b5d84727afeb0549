import { expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError } from './errors.js';
import { isDeepJson, parseJson } from './parse-json.js';

const schema = z.object({ a: z.number() });
const parse = (text: string) => parseJson({ source: 'x.json', text, schema });

it('takes a document with a byte order mark, as editors on Windows write it', () => {
  expect(parse('\uFEFF{"a":1}')).toEqual({ a: 1 });
  expect(() => parse('\uFEFF\uFEFF{"a":1}')).toThrow(ConfigError);
});

it('names the file and each faulty place', () => {
  expect(() => parse('{"a":"1"}')).toThrow(/^x\.json is not valid: a: /);
  expect(() => parse('{')).toThrow(/^x\.json is not valid: /);
});

it.each([
  ['[', ']'],
  ['{"a":', '}'],
])('refuses values within 257 times %s, whatever strings hold', (open, close) => {
  const nested = (depth: number) => `${open.repeat(depth)}"[\\"{"${close.repeat(depth)}`;
  expect(isDeepJson(nested(256))).toBe(false);
  expect(isDeepJson(nested(257))).toBe(true);
  expect(isDeepJson(`[${'[],'.repeat(1000)}"${'['.repeat(1000)}"]`)).toBe(false);
  expect(() => parse(`{"a":${nested(256)}}`)).toThrow(
    /x\.json is not valid: .*more than 256 lists/,
  );
});

it('refuses what would overflow the stack', () => {
  expect(() => parse(`{"a":${'['.repeat(1e6)}${']'.repeat(1e6)}}`)).toThrow(ConfigError);
});
