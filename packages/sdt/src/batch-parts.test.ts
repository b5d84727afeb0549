import '@tensorflow/tfjs-backend-cpu';
import { memory, type Tensor, tensor } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatherRows, partSizeOf, partsOf } from './draw-batch.js';

describe('partsOf', () => {
  it('makes parts that are as equal as can be', () => {
    expect(partsOf({ size: 3, partSize: 4 })).toEqual([[0, 1, 2]]);
    expect(partsOf({ size: 6, partSize: 4 })).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(partsOf({ size: 5, partSize: 2 }).map(({ length }) => length)).toEqual([2, 1, 2]);
  });

  it('has every image in one part, and no more parts than it takes', () => {
    const count = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(count, count, (size, partSize) => {
        const parts = partsOf({ size, partSize });
        expect(parts.flat()).toEqual(Array.from({ length: size }, (_, i) => i));
        expect(parts).toHaveLength(Math.ceil(size / partSize));
        const sizes = parts.map(({ length }) => length);
        expect(Math.max(...sizes)).toBeLessThanOrEqual(partSize);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('partSizeOf', () => {
  it('counts two samples for an image with guidance, and takes one image at least', () => {
    const guidance = { scale: 2 };
    expect(partSizeOf({ microBatch: 5 }, undefined)).toBe(5);
    expect(partSizeOf({ microBatch: 5 }, guidance)).toBe(2);
    expect(partSizeOf({ microBatch: 1 }, guidance)).toBe(1);
    expect(partSizeOf({}, guidance)).toBe(4);
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
