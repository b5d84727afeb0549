import '@tensorflow/tfjs-backend-cpu';
import { randomNormal, slice, type Tensor4D } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { channelRange } from './linear-combination.js';

it.each([
  [0, 4],
  [4, 4],
  [2, 3],
  [0, 8],
])('picks channels from %i, %i of them, bit for bit', (begin, count) => {
  const x = randomNormal([2, 3, 4, 8]) as Tensor4D;
  const expected = slice(x, [0, 0, 0, begin], [2, 3, 4, count]);
  const actual = channelRange(x, begin, count);
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.dataSync()).toEqual(expected.dataSync());
});
