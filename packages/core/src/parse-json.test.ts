import { expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError } from './errors.js';
import { parseJson } from './parse-json.js';

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
