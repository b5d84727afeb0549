import '@tensorflow/tfjs-backend-cpu';
import { tensor, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { relativeError } from '../../test/fixture.js';
import { layerNorm } from './norms.js';

it('centers and scales the last axis, with epsilon inside the square root', () => {
  const rows = [
    [1, 2, 3, 6],
    [-0.002, 0.001, 0, 0.001],
    [5, 5, 5, 5],
  ];
  const expected = rows.flatMap((row) => {
    const mean = row.reduce((a, b) => a + b) / row.length;
    const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
    return row.map((value) => (value - mean) / Math.sqrt(variance + 1e-6));
  });
  tidy(() => {
    const normed = layerNorm(tensor(rows, [3, 1, 4]));
    expect(normed.shape).toEqual([3, 1, 4]);
    expect(relativeError(normed.dataSync(), expected)).toBeLessThan(1e-6);
  });
});
