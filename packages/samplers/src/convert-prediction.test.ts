import { IncompatibleError, InvalidArgumentError, type Prediction } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toSample } from './diffusion/create-sampler-plan.js';
import { convertPrediction, diffusionPoint, flowPoint, type NoisePoint } from './plan.js';
import { type SitPath, sitPoint } from './sit/sit-ode-plan.js';

const kinds: Prediction[] = ['epsilon', 'sample', 'velocity'];
const time = fc.double({ min: 0.01, max: 0.99, noNaN: true });
const points: fc.Arbitrary<NoisePoint> = fc.oneof(
  time.map((t) => diffusionPoint({ timestep: 0, ratio: t / (1 - t) })),
  time.map((sigma) => flowPoint({ timestep: 0, sigma })),
  fc
    .tuple(fc.constantFrom<SitPath>('linear', 'gvp'), time)
    .map(([path, t]) => sitPoint({ path, time: t })),
);
const value = fc.double({ min: -3, max: 3, noNaN: true });

function tell(kind: Prediction, point: NoisePoint, sample: number, noise: number): number {
  if (kind === 'sample') return sample;
  return kind === 'epsilon' ? noise : point.alphaSlope * sample + point.sigmaSlope * noise;
}

describe.each(kinds)('from %s', (from) => {
  it.each(kinds)('to %s: what a perfect model says', (to) => {
    fc.assert(
      fc.property(points, value, value, (point, sample, noise) => {
        const { x, model } = convertPrediction({ from, to, point });
        const latent = point.alpha * sample + point.sigma * noise;
        const told = x * latent + model * tell(from, point, sample, noise);
        const scale = 1 + Math.abs(x) + Math.abs(model);
        expect(Math.abs(told - tell(to, point, sample, noise))).toBeLessThan(1e-12 * scale);
      }),
    );
  });
});

it('agrees with toSample on a noise schedule', () => {
  for (const prediction of kinds) {
    for (const alphaBar of [1e-4, 0.3, 0.999]) {
      const point = diffusionPoint({ timestep: 0, ratio: Math.sqrt((1 - alphaBar) / alphaBar) });
      const { x, model } = convertPrediction({ from: prediction, to: 'sample', point });
      const expected = toSample({ prediction, alphaBar });
      expect(x).toBeCloseTo(expected.x, 10);
      expect(model).toBeCloseTo(expected.model, 10);
    }
  }
});

it('holds no negative zero, which JSON would lose', () => {
  const point = flowPoint({ timestep: 0, sigma: 0.5 });
  for (const from of kinds) {
    for (const to of kinds) {
      const { x, model } = convertPrediction({ from, to, point });
      expect([x, model].some((factor) => Object.is(factor, -0))).toBe(false);
    }
  }
});

it('refuses a model that says nothing new', () => {
  const noise = flowPoint({ timestep: 0, sigma: 1 });
  const sample = flowPoint({ timestep: 0, sigma: 0 });
  const convert = (from: Prediction, point: NoisePoint) => () =>
    convertPrediction({ from, to: 'velocity', point });
  expect(convert('epsilon', noise)).toThrow(IncompatibleError);
  expect(convert('epsilon', noise)).toThrow('Use a model that predicts the sample or the velocity');
  expect(convert('sample', sample)).toThrow(IncompatibleError);
  expect(convert('sample', noise)).not.toThrow();
  expect(convert('velocity', sample)).not.toThrow();
});

it('refuses an unknown prediction', () => {
  const point = flowPoint({ timestep: 0, sigma: 0.5 });
  const from = 'score' as Prediction;
  expect(() => convertPrediction({ from, to: 'sample', point })).toThrow(InvalidArgumentError);
});
