import { CheckpointError } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StorageReference, StridedTensor, spanOf, toRowMajor } from './pytorch-content.js';

const storage = new StorageReference({ key: '0', type: 'f32', length: 12 });
const ramp = Float32Array.from({ length: 1000 }, (_, i) => i);

/** Element positions of a view by its definition: sum of index times stride, last axis fastest. */
function positions(shape: readonly number[], strides: readonly number[]): number[] {
  const [size, ...sizes] = shape;
  const [stride = 0, ...rest] = strides;
  if (size === undefined) return [0];
  const inner = positions(sizes, rest);
  return Array.from({ length: size }).flatMap((_, i) => inner.map((at) => i * stride + at));
}

describe('toRowMajor', () => {
  it('follows the strides of any view', () => {
    const axis = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 9 }));
    fc.assert(
      fc.property(fc.array(axis, { maxLength: 4 }), (axes) => {
        const shape = axes.map(([size]) => size);
        const strides = axes.map(([, stride]) => stride);
        const expected = positions(shape, strides);
        const length = spanOf({ shape, strides });
        expect(length).toBe(expected.length === 0 ? 0 : Math.max(...expected) + 1);
        const values = toRowMajor({ span: ramp.slice(0, length), shape, strides });
        expect([...values]).toEqual(expected);
      }),
    );
  });

  it('gives a span in order back as it is', () => {
    const span = ramp.slice(0, 6);
    expect(toRowMajor({ span, shape: [2, 1, 3], strides: [3, 99, 1] })).toBe(span);
  });
});

describe('StridedTensor', () => {
  it.each([
    { offset: 0, shape: [3, 4], strides: [4, 1] },
    { offset: 11, shape: [], strides: [] },
    { offset: 12, shape: [0], strides: [1] },
    { offset: 99, shape: [3, 0], strides: [5, 5] },
    { offset: 11, shape: [2 ** 24], strides: [0] },
  ])('takes offset $offset, shape $shape, strides $strides', ({ offset, shape, strides }) => {
    const tensor = new StridedTensor({ path: '', storage, offset, shape, strides });
    expect(tensor).toMatchObject({ storage, offset, shape, strides });
  });

  it.each([
    { offset: 1, shape: [3, 4], strides: [4, 1] },
    { offset: 12, shape: [], strides: [] },
    { offset: 0, shape: [2], strides: [12] },
    { offset: 0, shape: [2 ** 30, 2 ** 30], strides: [2 ** 50, 1] },
    { offset: 0, shape: [2], strides: [] },
    { offset: 0, shape: [2], strides: [1, 1] },
    { offset: 0, shape: [2 ** 24 + 1], strides: [0] },
    { offset: 0, shape: Array(64).fill(2 ** 50), strides: Array(64).fill(0) },
    { offset: 0, shape: [...Array(63).fill(2 ** 50), 0], strides: Array(64).fill(0) },
  ])('refuses offset $offset, shape $shape, strides $strides', ({ offset, shape, strides }) => {
    const make = () => new StridedTensor({ path: 'x.pt', storage, offset, shape, strides });
    expect(make).toThrow(CheckpointError);
    expect(make).toThrow(/^x\.pt \(data\/0\): a tensor/);
  });
});
