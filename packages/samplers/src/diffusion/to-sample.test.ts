import { IncompatibleError, InvalidArgumentError, type Prediction } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toSample } from './create-sampler-plan.js';

const value = fc.double({ min: -3, max: 3, noNaN: true });
const level = fc.double({ min: 1e-3, max: 0.999, noNaN: true });

/** What a perfect model of each kind says about x = a * sample + s * noise. */
const outputOf: Record<
  Prediction,
  (p: { a: number; s: number; sample: number; noise: number }) => number
> = {
  epsilon: ({ noise }) => noise,
  sample: ({ sample }) => sample,
  velocity: ({ a, s, sample, noise }) => a * noise - s * sample,
};

describe.each<Prediction>(['epsilon', 'sample', 'velocity'])('%s', (prediction) => {
  it('recovers the sample from the output of a perfect model', () => {
    fc.assert(
      fc.property(value, value, level, (sample, noise, alphaBar) => {
        const [a, s] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
        const factors = toSample({ prediction, alphaBar });
        const output = outputOf[prediction]({ a, s, sample, noise });
        const recovered = factors.x * (a * sample + s * noise) + factors.model * output;
        expect(recovered).toBeCloseTo(sample, 12);
      }),
    );
  });
});

describe('pure noise', () => {
  it('is refused for epsilon, with the reason', () => {
    expect(() => toSample({ prediction: 'epsilon', alphaBar: 0 })).toThrow(IncompatibleError);
    expect(() => toSample({ prediction: 'epsilon', alphaBar: 0 })).toThrow('pure noise');
  });

  it('is fine for sample and velocity', () => {
    expect(toSample({ prediction: 'sample', alphaBar: 0 })).toEqual({ x: 0, model: 1 });
    expect(toSample({ prediction: 'velocity', alphaBar: 0 })).toEqual({ x: 0, model: -1 });
  });
});

it('refuses an unknown prediction', () => {
  const prediction = 'score' as Prediction;
  expect(() => toSample({ prediction, alphaBar: 0.5 })).toThrow(InvalidArgumentError);
});
