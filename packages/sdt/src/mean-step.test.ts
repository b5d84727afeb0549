import { expect, it } from 'vitest';
import { meanStep } from './mean-step.js';

it('counts every image alike', () => {
  const small = { images: 1, error: 1, scoreGradients: [4, -8] };
  const large = { images: 3, error: 5, scoreGradients: [0, 16] };
  expect(meanStep([small, large])).toEqual({ error: 4, scoreGradients: [1, 10] });
});

it('leaves a single part as it is, bit for bit', () => {
  const only = { images: 3, error: 0.1, scoreGradients: [1 / 3, 0.7] };
  const { images: _, ...errors } = only;
  expect(meanStep([only])).toEqual(errors);
});
