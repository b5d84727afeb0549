import '@tensorflow/tfjs-backend-cpu';
import { tensor1d, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { relativeError } from '../../test/fixture.js';
import { exactGelu, gelu } from './linear.js';

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

it('is GELU itself, by values of the normal distribution function', () => {
  // x * Phi(x), from tables of Phi to ten digits.
  const values = [
    [-3, -3 * 0.0013498980316],
    [-1, -0.1586552539315],
    [-0.5, -0.5 * 0.308537538726],
    [0, 0],
    [0.25, 0.25 * 0.5987063256829],
    [1, 0.8413447460685],
    [2, 2 * 0.9772498680518],
    [30, 30],
  ] as const;
  tidy(() => {
    const actual = exactGelu(tensor1d(values.map(([x]) => x))).dataSync();
    values.forEach(([, expected], i) => {
      expect(Math.abs((actual[i] as number) - expected)).toBeLessThan(1e-6);
    });
  });
});
