import { describe, expect, it } from 'vitest';
import { arrange, depthwiseParameters, linearParameters, plainParameter } from './parameter.js';

const counted = (size: number) => Float32Array.from({ length: size }, (_, i) => i);

describe('arrange', () => {
  it('transposes a matrix', () => {
    const [weight] = linearParameters('layer', 3, 2);
    expect(weight && [...arrange(weight, counted(6))]).toEqual([0, 3, 1, 4, 2, 5]);
  });

  it('keeps the first rows of every period, before it transposes', () => {
    const [weight] = linearParameters('layer', 2, 4);
    const kept = weight && { ...weight, rows: { period: 2, kept: 1 }, shape: [2, 2] };
    expect(kept && [...arrange(kept, counted(8))]).toEqual([0, 4, 1, 5]);
  });

  it('lays the columns of a kernel beside each other as channels', () => {
    const [weight] = depthwiseParameters('sr', 3, 2);
    expect(weight?.shape).toEqual([1, 2, 1, 6]);
    // Stored [channel][row][column]: row 0 has 0, 4, 8 in its first column and 1, 5, 9 in its second.
    const rows = [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11];
    expect(weight && [...arrange(weight, counted(12))]).toEqual(rows);
  });

  it('leaves plain tensors as they are', () => {
    const values = counted(6);
    expect(arrange(plainParameter('table', [2, 3], 1), values)).toBe(values);
  });
});
