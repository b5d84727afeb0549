import '@tensorflow/tfjs-backend-cpu';
import { tensor4d, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { upsample } from './autoencoder-kl.js';

it('repeats every pixel twice along both axes', () => {
  tidy(() => {
    const image = upsample(tensor4d([1, 10, 2, 20, 3, 30, 4, 40], [2, 1, 2, 2]));
    expect(image.shape).toEqual([2, 2, 4, 2]);
    const row = (a: number, b: number) => [a, 10 * a, a, 10 * a, b, 10 * b, b, 10 * b];
    expect([...image.dataSync()]).toEqual([...row(1, 2), ...row(1, 2), ...row(3, 4), ...row(3, 4)]);
  });
});
