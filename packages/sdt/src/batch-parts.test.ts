import '@tensorflow/tfjs-backend-cpu';
import { memory, type Tensor, tensor } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatherRows, partsOf } from './batch-parts.js';

describe('partsOf', () => {
  it('makes parts that are as equal as can be', () => {
    expect(partsOf({ size: 3, microBatch: 4 })).toEqual([[0, 1, 2]]);
    expect(partsOf({ size: 6, microBatch: 4 })).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(partsOf({ size: 5, microBatch: 2 }).map(({ length }) => length)).toEqual([2, 1, 2]);
  });

  it('has every image in one part, and no more parts than it takes', () => {
    const count = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(count, count, (size, microBatch) => {
        const parts = partsOf({ size, microBatch });
        expect(parts.flat()).toEqual(Array.from({ length: size }, (_, i) => i));
        expect(parts).toHaveLength(Math.ceil(size / microBatch));
        const sizes = parts.map(({ length }) => length);
        expect(Math.max(...sizes)).toBeLessThanOrEqual(microBatch);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('gatherRows', () => {
  it('takes rows of every tensor, whatever its type', () => {
    const tensors = {
      labels: tensor([4, 5, 6], [3], 'int32'),
      x: tensor([1, 2, 3, 4, 5, 6], [3, 2]),
    };
    const before = memory().numTensors;
    const { labels, x } = gatherRows(tensors, [2, 0]) as { labels: Tensor; x: Tensor };
    expect(memory().numTensors).toBe(before + 2);
    expect([labels.dtype, ...labels.dataSync()]).toEqual(['int32', 6, 4]);
    expect([...x.dataSync()]).toEqual([5, 6, 1, 2]);
  });
});
