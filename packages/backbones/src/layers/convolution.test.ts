import '@tensorflow/tfjs-backend-cpu';
import { type Tensor4D, tensor1d, tensor4d, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { convolution } from './linear.js';

const image = (): Tensor4D =>
  tensor4d(
    Float32Array.from({ length: 16 }, (_, i) => i),
    [1, 4, 4, 1],
  );
const sumOfNine = () => ({
  weight: tensor4d(new Float32Array(9).fill(1), [3, 3, 1, 1]),
  bias: tensor1d([1000]),
});

it('keeps the size at stride 1, padding all around', () => {
  tidy(() => {
    const y = convolution({ x: image(), ...sumOfNine() });
    expect(y.shape).toEqual([1, 4, 4, 1]);
    const [corner, edge] = y.dataSync();
    expect([corner, edge]).toEqual([1000 + 0 + 1 + 4 + 5, 1000 + 0 + 1 + 2 + 4 + 5 + 6]);
  });
});

it('halves the size at stride 2, padding below and to the right only', () => {
  tidy(() => {
    const y = convolution({ x: image(), ...sumOfNine(), stride: 2 });
    expect(y.shape).toEqual([1, 2, 2, 1]);
    expect([...y.dataSync()]).toEqual([1045, 1039, 1066, 1050]);
  });
});
