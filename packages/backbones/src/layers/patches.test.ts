import '@tensorflow/tfjs-backend-cpu';
import { type Tensor4D, tensor4d, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { patchify, unpatchify } from './patches.js';

const counting = (shape: [number, number, number, number]): Tensor4D =>
  tensor4d(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i),
    shape,
  );

it('orders patches by row and column, and values by row, column and channel', () => {
  tidy(() => {
    const patches = patchify({ image: counting([1, 2, 4, 2]), patchSize: 2 });
    expect(patches.shape).toEqual([1, 2, 8]);
    expect([...patches.dataSync()]).toEqual([0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15]);
  });
});

it('unpatchify undoes patchify', () => {
  tidy(() => {
    const image = counting([2, 6, 9, 2]);
    const patches = patchify({ image, patchSize: 3 });
    const back = unpatchify({ patches, patchSize: 3, rows: 2, columns: 3 });
    expect(back.shape).toEqual(image.shape);
    expect(back.dataSync()).toEqual(image.dataSync());
  });
});
