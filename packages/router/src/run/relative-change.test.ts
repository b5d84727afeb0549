import '@tensorflow/tfjs-backend-cpu';
import { abs, randomNormal, setBackend, sub, sum } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { relativeChange } from './relative-change.js';

await setBackend('cpu');

it('is what the ops give, to the last bit', async () => {
  for (const size of [1, 7, 100_000]) {
    const value = randomNormal([size], 0, 3, 'float32', size);
    const base = randomNormal([size], 1, 1, 'float32', size + 1);
    const [distance] = await sum(abs(sub(value, base))).data();
    const [total] = await sum(abs(base)).data();
    expect(await relativeChange(value, base)).toBe((distance as number) / (total as number));
  }
});
