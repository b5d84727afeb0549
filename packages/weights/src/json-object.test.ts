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

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parse(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(/not JSON/);
  });
});
