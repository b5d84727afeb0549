import '@tensorflow/tfjs-backend-cpu';
import { tensor1d, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { relativeError } from '../../test/fixture.js';
import { silu } from './linear.js';

it('is x sigmoid(x)', () => {
  const x = [-20, -1, 0, 0.5, 4];
  const expected = x.map((v) => v / (1 + Math.exp(-v)));
  tidy(() => {
    expect(relativeError(silu(tensor1d(x)).dataSync(), expected)).toBeLessThan(1e-6);
  });
});
