import { readFileSync } from 'node:fs';
import { IncompatibleError, InvalidArgumentError, type SamplerPlan } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { relativeError } from '../__fixtures__/relative-error.js';
import { createNoiseLevels } from '../schedules/noise-level.js';
import {
  createLinearSchedule,
  createNoiseSchedule,
  type NoiseScheduleName,
  rescaleToZeroTerminalSnr,
} from '../schedules/noise-schedule.js';
import { createDdpmPlan, type DdpmVariance } from './ddpm-plan.js';

interface Probe {
  readonly carry: readonly number[];
  readonly history: readonly number[];
  readonly std: readonly number[];
}

interface DdpmCase {
  readonly schedule: NoiseScheduleName;
  readonly length: number;
  readonly respacing: string;
  readonly timesteps: readonly number[];
  readonly posterior: { readonly carry: readonly number[]; readonly history: readonly number[] };
  readonly learnedRange: {
    readonly minLogVariance: readonly number[];
    readonly maxLogVariance: readonly number[];
  };
  readonly fixedSmall: Probe;
  readonly fixedLarge: Probe;
}

const { cases } = JSON.parse(
  readFileSync(new URL('../__fixtures__/coefficients.json', import.meta.url), 'utf8'),
) as { cases: readonly DdpmCase[] };

function planOf({ schedule, length, respacing }: DdpmCase, variance: DdpmVariance): SamplerPlan {
  const options = { schedule: createNoiseSchedule({ name: schedule, length }), steps: respacing };
  return createDdpmPlan({ ...options, variance });
}

function ascending({ steps }: SamplerPlan) {
  const rows = [...steps].reverse();
  return {
    timesteps: rows.map(({ timestep }) => timestep),
    carry: rows.map(({ carry }) => carry),
    history: rows.flatMap(({ history }) => history),
    noise: rows.map(({ noise }) => noise),
  };
}

function fixedStds(plan: SamplerPlan): number[] {
  return ascending(plan).noise.map((noise) => (noise.kind === 'fixed' ? noise.std : Number.NaN));
}

describe('parity with the official p_sample, float64, relative 1e-12', () => {
  it.each(cases)('learned range: $schedule, $respacing of $length', (expected) => {
    const { timesteps, carry, history, noise } = ascending(planOf(expected, 'learned-range'));
    const { minLogVariance, maxLogVariance } = expected.learnedRange;
    const learned = noise.filter(({ kind }) => kind === 'learned-range') as Extract<
      (typeof noise)[number],
      { kind: 'learned-range' }
    >[];
    expect(timesteps).toEqual(expected.timesteps);
    expect(relativeError(carry, expected.posterior.carry)).toBeLessThan(1e-12);
    expect(relativeError(history, expected.posterior.history)).toBeLessThan(1e-12);
    expect(
      relativeError(
        learned.map((n) => n.minLogVariance),
        minLogVariance,
      ),
    ).toBeLessThan(1e-12);
    expect(
      relativeError(
        learned.map((n) => n.maxLogVariance),
        maxLogVariance,
      ),
    ).toBeLessThan(1e-12);
    expect(learned.map(({ scale }) => scale)).toEqual(timesteps.map((_, i) => (i === 0 ? 0 : 1)));
  });

  describe.each([
    ['fixed-small', 'fixedSmall'],
    ['fixed-large', 'fixedLarge'],
  ] as const)('%s', (variance, key) => {
    it.each(cases)('$schedule, $respacing of $length', (expected) => {
      const plan = planOf(expected, variance);
      const { carry, history } = ascending(plan);
      expect(relativeError(carry, expected[key].carry)).toBeLessThan(1e-12);
      expect(relativeError(history, expected[key].history)).toBeLessThan(1e-12);
      expect(relativeError(fixedStds(plan), expected[key].std)).toBeLessThan(1e-12);
    });
  });
});

describe('the posterior of all 1000 steps', () => {
  const plan = createDdpmPlan({ steps: '', variance: 'fixed-small' });
  const schedule = createLinearSchedule();
  const levels = createNoiseLevels({ schedule, timesteps: schedule.betas.map((_, t) => t) });

  it('carries the marginals of a known sample through the whole chain', () => {
    const sample = 1.7;
    let mean = Math.sqrt(levels[0]?.alphaBar as number) * sample;
    let variance = 1 - (levels[0]?.alphaBar as number);
    plan.steps.forEach(({ carry, history, noise }, index) => {
      const std = noise.kind === 'fixed' ? noise.std : Number.NaN;
      mean = carry * mean + (history[0] as number) * sample;
      variance = carry ** 2 * variance + std ** 2;
      const after = levels[index]?.alphaBarAfter as number;
      expect(mean).toBeCloseTo(Math.sqrt(after) * sample, 12);
      expect(variance).toBeCloseTo(1 - after, 12);
    });
    expect(mean).toBeCloseTo(sample, 12);
  });

  it('has at most the variance of the betas, which fixed-large takes', () => {
    const large = fixedStds(createDdpmPlan({ steps: '', variance: 'fixed-large' }));
    fixedStds(plan).forEach((std, t) => {
      expect(std).toBeLessThanOrEqual(large[t] as number);
    });
    expect(
      relativeError(
        large.slice(1).map((std) => std ** 2),
        schedule.betas.slice(1),
      ),
    ).toBeLessThan(1e-10);
  });
});

describe('edges', () => {
  it('is one deterministic step for a single timestep, with finite numbers', () => {
    for (const variance of ['fixed-small', 'fixed-large', 'learned-range'] as const) {
      const { steps } = createDdpmPlan({ timesteps: [500], variance });
      expect(steps).toHaveLength(1);
      expect(steps[0]?.carry).toBe(0);
      expect(steps[0]?.history[0]).toBeCloseTo(1, 12);
      const noise = steps[0]?.noise;
      expect(noise?.kind === 'fixed' ? noise.std : noise?.scale).toBe(0);
      expect(
        Object.values(noise ?? {}).every((v) => typeof v === 'string' || Number.isFinite(v)),
      ).toBe(true);
    }
  });

  it('starts from pure noise with a velocity model, not with an epsilon model', () => {
    const schedule = rescaleToZeroTerminalSnr(createLinearSchedule());
    const [first] = createDdpmPlan({ schedule, steps: 10, prediction: 'velocity' }).steps;
    expect(first).toMatchObject({ timestep: 999, carry: 0 });
    expect(() => createDdpmPlan({ schedule, steps: 10 })).toThrow(IncompatibleError);
  });
});

describe('options', () => {
  it('default to the learned range of DiT', () => {
    const plan = createDdpmPlan({ steps: '250' });
    expect(plan).toMatchObject({ sampler: 'ddpm', settings: { variance: 'learned-range' } });
    expect(plan.steps).toHaveLength(250);
  });

  it('refuse an unknown variance', () => {
    const variance = 'learned' as DdpmVariance;
    expect(() => createDdpmPlan({ steps: 20, variance })).toThrow(InvalidArgumentError);
  });

  it.each([0, 1001])('refuse %s steps', (steps) => {
    expect(() => createDdpmPlan({ steps })).toThrow(InvalidArgumentError);
  });
});
