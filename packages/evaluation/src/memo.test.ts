import { describe, expect, it } from 'vitest';
import { once } from './memo.js';

describe('once', () => {
  it('makes a value at the first call', async () => {
    let calls = 0;
    const value = once(async () => ++calls);
    expect([await value(), await value()]).toEqual([1, 1]);
  });
});
