import '@tensorflow/tfjs-backend-cpu';
import { type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { applyGuidance } from './guidance.js';

// Two halves of one pixel with four channels: conditional [1, 2, 3, 4], unconditional [0, 1, 1, 7].
const output = (): Tensor4D => tensor4d([1, 2, 3, 4, 0, 1, 1, 7], [2, 1, 1, 4]);

describe('applyGuidance', () => {
  it('guides the first three channels by default and leaves the rest of each half', () => {
    const guided = applyGuidance({ output: output(), scale: 2 });
    expect(Array.from(guided.dataSync())).toEqual([2, 3, 5, 4, 2, 3, 5, 7]);
  });

  it('guides all channels on request', () => {
    const guided = applyGuidance({ output: output(), scale: 2, channels: 4 });
    expect(Array.from(guided.dataSync())).toEqual([2, 3, 5, 1, 2, 3, 5, 1]);
  });

  it('is the conditional model at scale 1', () => {
    const guided = applyGuidance({ output: output(), scale: 1, channels: 4 });
    expect(Array.from(guided.dataSync())).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
  });

  it('refuses an odd batch and a channel count out of range', () => {
    const odd = tensor4d([1, 2, 3], [3, 1, 1, 1]);
    expect(() => applyGuidance({ output: odd, scale: 2 })).toThrowError(/even batch/);
    expect(() => applyGuidance({ output: output(), scale: 2, channels: 5 })).toThrowError(
      /channels is 5; expected an integer in \[1, 4\]/,
    );
  });
});
