import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findRepeatedKey } from './json-object.js';

describe('findRepeatedKey', () => {
  it.each([
    ['{"a":1,"a":2}', 'a'],
    ['{ "a" : 1 , "\\u0061"\n: 2 }', 'a'],
    ['{"x":{"a":1,"b":[{"c":1,"c":2}]}}', 'c'],
    ['{"":1,"":2}', ''],
    ['{"a\\"":1,"b":"}","a\\"":2}', 'a"'],
  ])('finds it in %s', (json, key) => {
    JSON.parse(json); // is JSON
    expect(findRepeatedKey(json)).toBe(key);
  });

  it.each(['{}', '[]', '"a"', '{"a":"a"}', '{"a":{"a":1},"b":{"a":1}}', '[{"a":1},{"a":1}]'])(
    'finds none in %s',
    (json) => {
      expect(findRepeatedKey(json)).toBeUndefined();
    },
  );

  it('finds none in whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(findRepeatedKey(JSON.stringify(JSON.parse(json), null, 1))).toBeUndefined();
      }),
    );
  });
});
