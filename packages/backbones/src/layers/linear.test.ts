import '@tensorflow/tfjs-backend-cpu';
import { tensor, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { linear } from './linear.js';

const weight = [1, 2, 3, 4, 5, 6];
// [2, 3]

it.each([
  { shape: [2, 2], expected: [2, 3] },
  { shape: [2, 1, 2], expected: [2, 1, 3] },
  { shape: [1, 2, 1, 2], expected: [1, 2, 1, 3] },
])('is x W + b over the last axis of $shape', ({ shape, expected }) => {
  tidy(() => {
    const x = tensor([1, 0, 10, 1], shape);
    const y = linear({ x, weight: tensor2d(weight, [2, 3]), bias: tensor1d([0, 100, 0]) });
    expect(y.shape).toEqual(expected);
    expect([...y.dataSync()]).toEqual([1, 102, 3, 14, 125, 36]);
  });
});
