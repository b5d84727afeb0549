import '@tensorflow/tfjs-backend-cpu';
import { memory, type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureGradients, gradientsOf } from './gradients.js';
import { applyGuidance, guidanceVjp } from './guidance.js';

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

describe('guidanceVjp', () => {
  beforeAll(() => ensureGradients());

  it.each([{}, { channels: 1 }, { channels: 4 }])(
    'is what TensorFlow.js derives, bit for bit (%o)',
    (channels) => {
      const values = Array.from({ length: 2 * 3 * 4 }, (_, i) => Math.sin(7 * i));
      const gradient = tensor4d(values, [2, 3, 1, 4]);
      const at = [tensor4d(values.toReversed(), [2, 3, 1, 4])];
      const f = (x: Tensor4D) => applyGuidance({ output: x, scale: 2.7, ...channels });
      const [expected] = gradientsOf({ f: (x) => f(x as Tensor4D), at, upstream: gradient });
      const before = memory().numTensors;
      const found = guidanceVjp({ gradient, scale: 2.7, ...channels });
      expect(memory().numTensors).toBe(before + 1);
      expect(found.dataSync()).toEqual(expected?.dataSync());
    },
  );

  it('refuses what cannot have been guided', () => {
    const gradient = tensor4d([1, 2, 3], [3, 1, 1, 1]);
    expect(() => guidanceVjp({ gradient, scale: 2 })).toThrowError(/even batch/);
  });
});
