import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relativeError } from '../__fixtures__/relative-error.js';
import {
  alphaBars,
  assertNoiseSchedule,
  createLinearSchedule,
  createNoiseSchedule,
  createScaledLinearSchedule,
  createSquaredCosineSchedule,
  type NoiseScheduleName,
} from './noise-schedule.js';

interface ScheduleCase {
  readonly name: NoiseScheduleName;
  readonly length: number;
  readonly zeroTerminalSnr?: boolean;
  readonly betas: readonly number[];
}

const { cases } = JSON.parse(
  readFileSync(new URL('../__fixtures__/noise-schedules.json', import.meta.url), 'utf8'),
) as { cases: readonly ScheduleCase[] };

describe('parity with the official schedules, float64, relative 1e-12', () => {
  it.each(cases.filter((one) => !one.zeroTerminalSnr))('$name, $length timesteps', (expected) => {
    const { betas } = createNoiseSchedule(expected);
    expect(relativeError(betas, expected.betas)).toBeLessThan(1e-12);
  });
});

describe('settings', () => {
  it('are recorded', () => {
    expect(createLinearSchedule().settings).toEqual({ betaStart: 1e-4, betaEnd: 2e-2 });
    expect(createSquaredCosineSchedule({ maxBeta: 0.9 }).settings).toEqual({ maxBeta: 0.9 });
  });

  it('change the betas', () => {
    const { betas } = createScaledLinearSchedule({ length: 3, betaStart: 0.01, betaEnd: 0.09 });
    expect(relativeError(betas, [0.01, 0.04, 0.09])).toBeLessThan(1e-15);
    expect(Math.max(...createSquaredCosineSchedule({ length: 10, maxBeta: 0.5 }).betas)).toBe(0.5);
  });

  it('keep the total noise of the linear schedule about the same for other lengths', () => {
    const remaining = [250, 1000, 4000].map((length) =>
      Math.log(alphaBars(createLinearSchedule({ length }).betas).at(-1) as number),
    );
    for (const logAlphaBar of remaining) expect(logAlphaBar).toBeCloseTo(-10.1, 0);
  });
});

describe('alphaBars', () => {
  it('is the running product of 1 - beta', () => {
    expect(alphaBars([0.5, 0.5, 1])).toEqual([0.5, 0.25, 0]);
  });

  it('falls strictly for every schedule', () => {
    const names = fc.constantFrom<NoiseScheduleName>('linear', 'scaled-linear', 'squared-cosine');
    fc.assert(
      fc.property(names, fc.integer({ min: 20, max: 2000 }), (name, length) => {
        const products = alphaBars(createNoiseSchedule({ name, length }).betas);
        expect(products).toHaveLength(length);
        expect(products.every((product, t) => product < (products[t - 1] ?? 1))).toBe(true);
      }),
    );
  });
});

describe('bad arguments', () => {
  it.each([0, -1, 2.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses length %s', (length) => {
    for (const create of [
      createLinearSchedule,
      createScaledLinearSchedule,
      createSquaredCosineSchedule,
    ]) {
      expect(() => create({ length })).toThrow(InvalidArgumentError);
    }
  });

  it('refuses betas outside (0, 1] and names the first', () => {
    expect(() => createLinearSchedule({ length: 10 })).toThrow('schedule.betas[5] is 1.1155');
    expect(() => createLinearSchedule({ betaStart: 0 })).toThrow('schedule.betas[0] is 0');
    expect(() => createScaledLinearSchedule({ betaStart: -1 })).toThrow('schedule.betas[0] is NaN');
    expect(() => createSquaredCosineSchedule({ maxBeta: 0 })).toThrow('schedule.betas[0] is 0');
  });

  it('refuses a schedule that is empty or loses all signal too early', () => {
    const schedule = { name: 'mine', settings: {} };
    expect(() => assertNoiseSchedule({ ...schedule, betas: [] })).toThrow(InvalidArgumentError);
    expect(() => assertNoiseSchedule({ ...schedule, betas: [0.1, 1, 0.1] })).toThrow(
      'schedule.betas[1] is 1; expected a schedule that keeps some signal',
    );
    expect(() => assertNoiseSchedule({ ...schedule, betas: [0.1, 0.1, 1] })).not.toThrow();
  });

  it('refuses an unknown name', () => {
    const name = 'sigmoid' as NoiseScheduleName;
    expect(() => createNoiseSchedule({ name })).toThrow(
      'name is "sigmoid"; expected one of linear, scaled-linear, squared-cosine',
    );
  });
});
