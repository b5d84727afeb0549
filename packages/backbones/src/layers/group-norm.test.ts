import '@tensorflow/tfjs-backend-cpu';
import { createRng } from '@harmonica/core';
import { tensor2d, tensor4d, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { relativeError } from '../../test/fixture.js';
import { groupNorm } from './norms.js';

it('normalises over space and the channels of a group, then scales and shifts each channel', () => {
  const [height, width, groups, size] = [2, 3, 2, 2] as const;
  const channels = groups * size;
  const values = createRng({ seed: 5 }).fillNormal(new Float32Array(2 * height * width * channels));
  const weight = [0.5, 1, 2, -1];
  const bias = [0, 3, -2, 1];
  const at = (sample: number, pixel: number, channel: number) =>
    values[(sample * height * width + pixel) * channels + channel] as number;
  const pixels = [...Array(height * width).keys()];
  const expected = Array.from(values, (value, i) => {
    const channel = i % channels;
    const sample = Math.floor(i / (height * width * channels));
    const first = Math.floor(channel / size) * size;
    const group = pixels.flatMap((pixel) => [
      at(sample, pixel, first),
      at(sample, pixel, first + 1),
    ]);
    const mean = group.reduce((a, b) => a + b) / group.length;
    const variance = group.reduce((a, b) => a + (b - mean) ** 2, 0) / group.length;
    const normed = (value - mean) / Math.sqrt(variance + 1e-6);
    return normed * (weight[channel] as number) + (bias[channel] as number);
  });
  tidy(() => {
    const normed = groupNorm({
      x: tensor4d(values, [2, height, width, channels]),
      weight: tensor2d(weight, [groups, size]),
      bias: tensor2d(bias, [groups, size]),
    });
    expect(normed.shape).toEqual([2, height, width, channels]);
    expect(relativeError(normed.dataSync(), expected)).toBeLessThan(1e-6);
  });
});
