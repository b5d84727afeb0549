import { CheckpointError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { parseJsonObject } from './json-object.js';

const parse = (bytes: Uint8Array) => parseJsonObject({ path: 'a.json', what: 'index', bytes });
const parseText = (text: string) => parse(new TextEncoder().encode(text));

describe('parseJsonObject', () => {
  it('gives the object', () => {
    expect(parseText('{"a":[1,{"a":null}]}')).toEqual({ a: [1, { a: null }] });
  });

  it.each([
    ['', /the index is not JSON/],
    ['{"a":1', /the index is not JSON/],
    ['[]', /the index is not a JSON object/],
    ['null', /the index is not a JSON object/],
    ['{"a":1,"a":1}', /\(a\): the key occurs twice in the index/],
  ])('refuses %j', (text, message) => {
    expect(() => parseText(text)).toThrow(CheckpointError);
    expect(() => parseText(text)).toThrow(message);
  });

  it('takes the numbers that Python writes, and leaves strings with their names alone', () => {
    const text = '{"a":-Infinity,"b":[Infinity,NaN],"c":"NaN, -Infinity \\" NaN","NaN":1}';
    expect(parseText(text)).toEqual({
      a: -Infinity,
      b: [Infinity, Number.NaN],
      c: 'NaN, -Infinity " NaN',
      NaN: 1,
    });
    expect(() => parseText('{"a":nan}')).toThrow(/not JSON/);
    expect(() => parseText('{"a":Infinity1}')).toThrow(/not JSON/);
  });

  it('takes a byte order mark', () => {
    expect(parse(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d))).toEqual({});
  });

  it('refuses what only seems to be from Python in little time', () => {
    const text = `{"a":NaN,"${'\\"'.repeat(1_000_000)}`;
    expect(() => parseText(text)).toThrow(CheckpointError);
  });

  it('refuses values within thousands of others', () => {
    const text = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(() => parseText(text)).toThrow(/a\.json: the index has values within too many others/);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parse(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(/not JSON/);
  });
});
