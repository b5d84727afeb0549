import { describe, expect, it } from 'vitest';
import { latest, once } from './memo.js';

describe('once', () => {
  it('makes a value at the first call', async () => {
    let calls = 0;
    const value = once(async () => ++calls);
    expect([await value(), await value()]).toEqual([1, 1]);
  });
});

describe('latest', () => {
  it('makes a value anew for another key, and keeps no other', async () => {
    const made: string[] = [];
    const value = latest(async (name: string) => {
      made.push(name);
      return name.toUpperCase();
    });
    const asked = ['a', 'a', 'b', 'b', 'a'];
    const found: string[] = [];
    for (const name of asked) found.push(await value(name, name));
    expect(found).toEqual(['A', 'A', 'B', 'B', 'A']);
    expect(made).toEqual(['a', 'b', 'a']);
  });
});
