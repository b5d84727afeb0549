import '@tensorflow/tfjs-backend-cpu';
import { tensor1d, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { relativeError } from '../test/fixture.js';
import { gelu } from './gelu.js';

it('is the tanh form of GELU', () => {
  const x = [-30, -5, -1.5, -0.1, 0, 0.2, 1, 3, 30];
  const expected = x.map(
    (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
  );
  tidy(() => {
    const actual = gelu(tensor1d(x)).dataSync();
    expect(relativeError(actual.subarray(0, 8), expected.slice(0, 8))).toBeLessThan(1e-6);
    expect([actual[0], actual[8]]).toEqual([-0, 30]);
  });
});
