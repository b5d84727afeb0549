import '@tensorflow/tfjs-backend-cpu';
import { tensor1d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { timestepEmbedding, timestepFrequencies } from './timestep.js';

describe('timestepFrequencies', () => {
  it('falls from 1 towards 1 / 10000 in equal ratios', () => {
    const frequencies = timestepFrequencies();
    expect(frequencies).toHaveLength(128);
    frequencies.forEach((frequency, i) => {
      expect(frequency / 10_000 ** (-i / 128)).toBeCloseTo(1, 5);
    });
  });
});

describe('timestepEmbedding', () => {
  it('gives cosines, then sines, of time times frequency', () => {
    const frequencies = timestepFrequencies(8);
    const times = [0, 3, 417.5];
    tidy(() => {
      const embedding = timestepEmbedding({
        time: tensor1d(times),
        frequencies: tensor1d(frequencies),
      });
      expect(embedding.shape).toEqual([3, 8]);
      const expected = times.flatMap((t) => [
        ...Array.from(frequencies, (f) => Math.cos(Math.fround(t * f))),
        ...Array.from(frequencies, (f) => Math.sin(Math.fround(t * f))),
      ]);
      embedding.dataSync().forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i] as number, 6);
      });
    });
  });
});
