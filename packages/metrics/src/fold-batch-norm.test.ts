import { expect, it } from 'vitest';
import { foldBatchNorm } from './fold-batch-norm.js';

const shape = [1, 1, 2, 2] as const;
const filter = Float32Array.of(1, 2, 3, 4);
const [beta, mean, variance] = [
  [0.5, -1],
  [1, 2],
  [3, 8],
].map((x) => Float32Array.from(x)) as [Float32Array, Float32Array, Float32Array];

it('scales each output channel and moves the mean into the shift', () => {
  const gamma = Float32Array.of(2, 6);
  const folded = foldBatchNorm({ shape, filter, gamma, beta, mean, variance, epsilon: 1 });
  expect(folded.shape).toEqual(shape);
  expect([...folded.filter]).toEqual([1, 4, 3, 8]);
  expect([...folded.shift]).toEqual([-0.5, -5]);
});

it('has no scale without gamma', () => {
  const folded = foldBatchNorm({ shape, filter, beta, mean, variance, epsilon: 1 });
  expect([...folded.filter]).toEqual([0.5, 2 / 3, 1.5, 4 / 3].map(Math.fround));
  expect([...folded.shift]).toEqual([0, -5 / 3].map(Math.fround));
});
