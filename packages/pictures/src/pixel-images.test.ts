import '@tensorflow/tfjs-backend-cpu';
import { NonFiniteError } from '@harmonica/core';
import { setBackend, tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { pixelImages } from './png.js';

beforeAll(async () => {
  await setBackend('cpu');
});

it('maps [-1, 1] to bytes and clips', async () => {
  const batch = tensor4d([-1, 0, 1, -2, 0.5, 2], [2, 1, 1, 3]);
  expect(await pixelImages(batch)).toEqual([
    { data: Uint8Array.of(0, 128, 255), width: 1, height: 1, channels: 3 },
    { data: Uint8Array.of(0, 191, 255), width: 1, height: 1, channels: 3 },
  ]);
});

it('refuses NaN', async () => {
  const batch = tensor4d([Number.NaN, 0, 0], [1, 1, 1, 3]);
  await expect(pixelImages(batch)).rejects.toThrow(NonFiniteError);
});
