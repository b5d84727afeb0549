import { readFileSync } from 'node:fs';
import { IncompatibleError, InvalidArgumentError } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relativeError } from '../__fixtures__/relative-error.js';
import { createNoiseLevels } from '../schedules/noise-level.js';
import {
  createLinearSchedule,
  createNoiseSchedule,
  type NoiseScheduleName,
  rescaleToZeroTerminalSnr,
} from '../schedules/noise-schedule.js';
import { createDdimPlan } from './ddim-plan.js';
import { createDdpmPlan } from './ddpm-plan.js';

interface DdimCase {
  readonly schedule: NoiseScheduleName;
  readonly length: number;
  readonly respacing: string;
  readonly timesteps: readonly number[];
  readonly epsilonToSample: { readonly x: readonly number[]; readonly model: readonly number[] };
  readonly ddim: readonly {
    readonly eta: number;
    readonly carry: readonly number[];
    readonly history: readonly number[];
    readonly std: readonly number[];
  }[];
}

const { cases } = JSON.parse(
  readFileSync(new URL('../__fixtures__/coefficients.json', import.meta.url), 'utf8'),
) as { cases: readonly DdimCase[] };
const schedule = createLinearSchedule();
const etas = fc.double({ min: 0, max: 1, noNaN: true });
const subsets = fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 40 });

describe('parity with the official ddim_sample, float64, relative 1e-12', () => {
  const runs = cases.flatMap((one) => one.ddim.map((expected) => ({ ...one, ...expected })));
  it.each(runs)('$schedule, $respacing of $length, eta $eta', (expected) => {
    const { eta, respacing, length } = expected;
    const ofCase = createNoiseSchedule({ name: expected.schedule, length });
    const plan = createDdimPlan({ schedule: ofCase, steps: respacing, eta });
    const steps = [...plan.steps].reverse();
    const stds = steps.map(({ noise }) => (noise.kind === 'fixed' ? noise.std : Number.NaN));
    const { x, model } = expected.epsilonToSample;
    expect(steps.map(({ timestep }) => timestep)).toEqual(expected.timesteps);
    expect(
      relativeError(
        steps.map((s) => s.toPrediction.x),
        x,
      ),
    ).toBeLessThan(1e-12);
    expect(
      relativeError(
        steps.map((s) => s.toPrediction.model),
        model,
      ),
    ).toBeLessThan(1e-12);
    expect(
      relativeError(
        steps.map((s) => s.carry),
        expected.carry,
      ),
    ).toBeLessThan(1e-12);
    expect(
      relativeError(
        steps.flatMap((s) => s.history),
        expected.history,
      ),
    ).toBeLessThan(1e-12);
    expect(relativeError(stds, expected.std)).toBeLessThan(1e-12);
  });
});

describe('identities', () => {
  it('leads from one marginal of the diffusion to the next, for every eta', () => {
    fc.assert(
      fc.property(subsets, etas, (timesteps, eta) => {
        const plan = createDdimPlan({ timesteps, eta });
        const levels = createNoiseLevels({ schedule, timesteps });
        for (const [index, { alphaBar, alphaBarAfter }] of levels.entries()) {
          const { carry, history, noise } = plan.steps[index] as (typeof plan.steps)[number];
          const std = noise.kind === 'fixed' ? noise.std : Number.NaN;
          const signal = carry * Math.sqrt(alphaBar) + (history[0] as number);
          expect(signal).toBeCloseTo(Math.sqrt(alphaBarAfter), 12);
          expect(carry ** 2 * (1 - alphaBar) + std ** 2).toBeCloseTo(1 - alphaBarAfter, 12);
        }
      }),
    );
  });

  it('is DDPM with the posterior variance at eta 1', () => {
    fc.assert(
      fc.property(subsets, (timesteps) => {
        const ddim = createDdimPlan({ timesteps, eta: 1 });
        const ddpm = createDdpmPlan({ timesteps, variance: 'fixed-small' });
        const numbers = ({ steps }: typeof ddim) =>
          steps.flatMap(({ carry, history, noise }) => [
            carry,
            ...history,
            noise.kind === 'fixed' ? noise.std : Number.NaN,
          ]);
        const expected = numbers(ddpm);
        numbers(ddim).forEach((value, i) => {
          expect(value).toBeCloseTo(expected[i] as number, 10);
        });
      }),
    );
  });

  it('ends on the predicted sample', () => {
    const last = createDdimPlan({ steps: 20, eta: 0.7 }).steps.at(-1);
    expect(last).toMatchObject({ carry: 0, history: [1], noise: { kind: 'fixed', std: 0 } });
  });

  it('adds no noise at eta 0', () => {
    const { steps } = createDdimPlan({ steps: 20 });
    expect(steps.map(({ noise }) => noise)).toEqual(Array(20).fill({ kind: 'fixed', std: 0 }));
  });
});

describe('zero terminal SNR', () => {
  const terminal = rescaleToZeroTerminalSnr(schedule);

  it.each(['sample', 'velocity'] as const)(
    'starts from pure noise with a %s model',
    (prediction) => {
      for (const eta of [0, 0.3, 1]) {
        const plan = createDdimPlan({ schedule: terminal, steps: 10, prediction, eta });
        const timesteps = plan.steps.map(({ timestep }) => timestep);
        const [level] = createNoiseLevels({ schedule: terminal, timesteps });
        expect(level).toMatchObject({ timestep: 999, alphaBar: 0 });
        // Nothing of the sample is in x, so all of the signal must come from the prediction.
        const signal = plan.steps[0]?.history[0];
        expect(signal).toBeCloseTo(Math.sqrt(level?.alphaBarAfter as number), 12);
      }
    },
  );

  it('is refused for an epsilon model, unless the plan leaves out the last timestep', () => {
    expect(() => createDdimPlan({ schedule: terminal, steps: 10 })).toThrow(IncompatibleError);
    expect(createDdimPlan({ schedule: terminal, steps: 'ddim10' }).steps).toHaveLength(10);
  });
});

describe('options', () => {
  it.each([-0.1, 1.1, Number.NaN, Number.POSITIVE_INFINITY])('refuses eta %s', (eta) => {
    expect(() => createDdimPlan({ steps: 20, eta })).toThrow(InvalidArgumentError);
  });

  it.each([0, -5, 1001, 2.5])('refuses %s steps', (steps) => {
    expect(() => createDdimPlan({ steps })).toThrow(InvalidArgumentError);
  });

  it('are recorded', () => {
    expect(createDdimPlan({ steps: 20, eta: 0.5 })).toMatchObject({
      version: 1,
      sampler: 'ddim',
      prediction: 'epsilon',
      initialStd: 1,
      settings: { schedule: 'linear', steps: 20, spacing: 'guided-diffusion', eta: 0.5 },
    });
  });
});
