import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { HistorySlabs } from './history-slabs.js';
import type { PooledTensor } from './tensor-pool.js';

const SHAPE = [2, 3];

function filled(slabs: HistorySlabs, branch: number, value: number): PooledTensor {
  const row = slabs.acquire(branch, SHAPE) as PooledTensor;
  (row.tensor.data as Float32Array).fill(value);
  return row;
}

const memoryOf = ({ tensor }: PooledTensor) => (tensor.data as Float32Array).buffer;
const valuesOf = (tensor: ort.Tensor): number[] => Array.from(tensor.data as Float32Array);
const six = (value: number): number[] => new Array(6).fill(value);

describe('HistorySlabs', () => {
  it('lays the outputs of a branch side by side', () => {
    const slabs = new HistorySlabs(ort);
    const rows = [1, 2, 3].map((value) => filled(slabs, 0, value));
    const { matrix, count, places } =
      slabs.matrixOf([2, 0, 1].map((i) => rows[i] as PooledTensor)) ?? {};
    expect(count).toBe(3);
    expect(places).toEqual([2, 0, 1]);
    expect(matrix?.dims).toEqual([3, 6]);
    expect(valuesOf(matrix as ort.Tensor)).toEqual([...six(1), ...six(2), ...six(3)]);
  });

  it('hands out a row again when its last user lets go, and no more than there are', () => {
    const slabs = new HistorySlabs(ort);
    const rows = [1, 2, 3, 4].map((value) => filled(slabs, 0, value));
    expect(slabs.acquire(0, SHAPE)).toBeUndefined();
    expect(slabs.acquire(1, SHAPE)).toBeDefined();
    expect(slabs.release(rows[2] as PooledTensor)).toBe(true);
    expect(slabs.acquire(0, SHAPE)).toBe(rows[2]);
  });

  it('keeps what nobody uses any more out of sums', () => {
    const slabs = new HistorySlabs(ort);
    const [first, middle, last] = [1, Number.NaN, 3].map((value) => filled(slabs, 0, value)) as [
      PooledTensor,
      PooledTensor,
      PooledTensor,
    ];
    slabs.release(middle);
    const { matrix, places } = slabs.matrixOf([last, first]) ?? {};
    expect(places).toEqual([2, 0]);
    expect(valuesOf(matrix as ort.Tensor)).toEqual([...six(1), ...six(0), ...six(3)]);
  });

  it('makes room for another batch size when the one before is not in use any more', () => {
    const slabs = new HistorySlabs(ort);
    const small = filled(slabs, 0, 1);
    const large = slabs.acquire(0, [4, 3]) as PooledTensor;
    expect(large.tensor.dims).toEqual([4, 3]);
    slabs.release(large);
    expect(memoryOf(slabs.acquire(0, SHAPE) as PooledTensor)).toBe(memoryOf(small));
    const other = slabs.acquire(0, [8, 3]) as PooledTensor;
    expect(other.tensor.dims).toEqual([8, 3]);
    expect(memoryOf(slabs.acquire(0, [4, 3]) as PooledTensor)).not.toBe(memoryOf(large));
  });

  it('leaves tensors of other branches, sizes and origins alone', () => {
    const slabs = new HistorySlabs(ort);
    const [a, b] = [filled(slabs, 0, 1), filled(slabs, 1, 2)];
    const stranger: PooledTensor = {
      tensor: new ort.Tensor('float32', new Float32Array(6), SHAPE),
      shape: SHAPE,
      dtype: 'float32',
      users: 1,
    };
    expect(slabs.matrixOf([a, b])).toBeUndefined();
    expect(slabs.matrixOf([a, stranger])).toBeUndefined();
    expect(slabs.release(stranger)).toBe(false);
  });
});
