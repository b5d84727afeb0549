import { InvalidArgumentError, type ValueHandle } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { createCacheStore } from './caching-runner.js';

function createTrackedStore() {
  const released: unknown[] = [];
  const store = createCacheStore({ release: (...handles) => void released.push(...handles) });
  const value = (sizeBytes: number) => ({ sizeBytes }) as ValueHandle;
  return { store, released, value };
}

describe('createCacheStore', () => {
  it('gives outputs by branch and step, most recent step first', () => {
    const { store, value } = createTrackedStore();
    const [a, b, c] = [value(1), value(2), value(4)];
    store.put({ branch: 0, step: 3 }, a);
    store.put({ branch: 0, step: 12 }, b);
    store.put({ branch: 1, step: 3 }, c);
    expect(store.steps(0)).toEqual([12, 3]);
    expect(store.steps(7)).toEqual([]);
    expect(store.get({ branch: 0, step: 3 })).toBe(a);
    expect(store.get({ branch: 1, step: 3 })).toBe(c);
  });

  it('gives each output back once', () => {
    const { store, released, value } = createTrackedStore();
    const [a, b] = [value(1), value(2)];
    store.put({ branch: 0, step: 0 }, a);
    store.put({ branch: 2, step: 0 }, b);
    store.release({ branch: 0, step: 0 });
    store.release({ branch: 0, step: 0 });
    expect(released).toEqual([a]);
    store.clear();
    store.clear();
    expect(released).toEqual([a, b]);
    expect(store.steps(2)).toEqual([]);
  });

  it('refuses to read what is not held and to overwrite what is', () => {
    const { store, value } = createTrackedStore();
    store.put({ branch: 0, step: 0 }, value(1));
    expect(() => store.put({ branch: 0, step: 0 }, value(1))).toThrow(InvalidArgumentError);
    expect(() => store.get({ branch: 0, step: 1 })).toThrow(InvalidArgumentError);
    expect(() => store.get({ branch: 9, step: 0 })).toThrow(InvalidArgumentError);
  });
});
