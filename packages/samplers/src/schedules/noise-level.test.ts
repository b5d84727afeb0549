import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relativeError } from '../__fixtures__/relative-error.js';
import { createNoiseLevels, respaceBetas } from './noise-level.js';
import {
  alphaBars,
  createLinearSchedule,
  createNoiseSchedule,
  type NoiseScheduleName,
} from './noise-schedule.js';

interface LevelCase {
  readonly schedule: NoiseScheduleName;
  readonly length: number;
  readonly respacing: string;
  readonly timesteps: readonly number[];
  readonly betas: readonly number[];
  readonly alphaBars: readonly number[];
  readonly alphaBarsAfter: readonly number[];
}

const { cases } = JSON.parse(
  readFileSync(new URL('../__fixtures__/coefficients.json', import.meta.url), 'utf8'),
) as { cases: readonly LevelCase[] };

describe('parity with the official SpacedDiffusion, float64, relative 1e-12', () => {
  it.each(cases)('$schedule, $respacing of $length', (expected) => {
    const schedule = createNoiseSchedule({ name: expected.schedule, length: expected.length });
    const { timesteps } = expected;
    const ascending = createNoiseLevels({ schedule, timesteps }).reverse();
    const column = (key: 'beta' | 'alphaBar' | 'alphaBarAfter') => ascending.map((l) => l[key]);
    expect(ascending.map(({ timestep }) => timestep)).toEqual(timesteps);
    expect(respaceBetas({ schedule, timesteps })).toEqual(column('beta'));
    expect(relativeError(column('beta'), expected.betas)).toBeLessThan(1e-12);
    expect(relativeError(column('alphaBar'), expected.alphaBars)).toBeLessThan(1e-12);
    expect(relativeError(column('alphaBarAfter'), expected.alphaBarsAfter)).toBeLessThan(1e-12);
  });
});

describe('any subset of timesteps', () => {
  const schedule = createLinearSchedule();
  const full = alphaBars(schedule.betas);
  const subsets = fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 60 });

  it('keeps the alphaBar of the full schedule', () => {
    fc.assert(
      fc.property(subsets, (timesteps) => {
        const levels = createNoiseLevels({ schedule, timesteps });
        // The last bit of 1 - beta is worth 1e-16 / alphaBar, up to 3e-12 here.
        const expected = levels.map(({ timestep }) => full[timestep] as number);
        expect(
          relativeError(
            levels.map(({ alphaBar }) => alphaBar),
            expected,
          ),
        ).toBeLessThan(1e-11);
      }),
    );
  });

  it('leads from the noisiest level to none, each step to the start of the next', () => {
    fc.assert(
      fc.property(subsets, (timesteps) => {
        const levels = createNoiseLevels({ schedule, timesteps });
        expect(levels.map(({ timestep }) => timestep)).toEqual(timesteps.sort((a, b) => b - a));
        expect(levels.map(({ alphaBarAfter }) => alphaBarAfter)).toEqual([
          ...levels.slice(1).map(({ alphaBar }) => alphaBar),
          1,
        ]);
      }),
    );
  });
});

it('returns the schedule itself when every timestep is visited', () => {
  const schedule = createLinearSchedule({ length: 50 });
  const timesteps = schedule.betas.map((_, t) => t);
  expect(relativeError(respaceBetas({ schedule, timesteps }), schedule.betas)).toBeLessThan(1e-12);
});

it('refuses timesteps that are not of the schedule', () => {
  const schedule = createLinearSchedule({ length: 50 });
  expect(() => respaceBetas({ schedule, timesteps: [50] })).toThrow(InvalidArgumentError);
  expect(() => createNoiseLevels({ schedule, timesteps: [3, 3] })).toThrow(InvalidArgumentError);
});
