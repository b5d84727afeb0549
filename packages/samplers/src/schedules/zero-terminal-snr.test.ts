import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { relativeError } from '../__fixtures__/relative-error.js';
import {
  alphaBars,
  createNoiseSchedule,
  type NoiseScheduleName,
  rescaleToZeroTerminalSnr,
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
const names: NoiseScheduleName[] = ['linear', 'scaled-linear', 'squared-cosine'];

describe('parity with diffusers, float64, relative 1e-12', () => {
  it.each(cases.filter((one) => one.zeroTerminalSnr))('$name, $length timesteps', (expected) => {
    const { betas } = rescaleToZeroTerminalSnr(createNoiseSchedule(expected));
    expect(relativeError(betas, expected.betas)).toBeLessThan(1e-12);
  });
});

describe.each(names)('%s', (name) => {
  const schedule = createNoiseSchedule({ name, length: 100 });
  const rescaled = rescaleToZeroTerminalSnr(schedule);

  it('ends at alphaBar 0 and keeps the first beta', () => {
    expect(rescaled.betas.at(-1)).toBe(1);
    expect(alphaBars(rescaled.betas).at(-1)).toBe(0);
    expect(rescaled.betas[0]).toBeCloseTo(schedule.betas[0] as number, 14);
  });

  it('moves sqrt(alphaBar) by an affine map', () => {
    const before = alphaBars(schedule.betas).map(Math.sqrt);
    const after = alphaBars(rescaled.betas).map(Math.sqrt);
    const slope = (after[0] as number) / ((before[0] as number) - (before[99] as number));
    const expected = before.map((root) => slope * (root - (before[99] as number)));
    expect(relativeError(after, expected)).toBeLessThan(1e-11);
  });

  it('does nothing the second time', () => {
    const twice = rescaleToZeroTerminalSnr(rescaled);
    expect(relativeError(twice.betas, rescaled.betas)).toBeLessThan(1e-11);
  });

  it('is recorded in the settings', () => {
    expect(rescaled.settings).toEqual({ ...schedule.settings, zeroTerminalSnr: true });
  });
});

it('refuses a schedule of one timestep or none', () => {
  for (const betas of [[0.1], []]) {
    const schedule = { name: 'mine', settings: {}, betas };
    expect(() => rescaleToZeroTerminalSnr(schedule)).toThrow(InvalidArgumentError);
  }
});
