import { IncompatibleError, InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { logSnr, type NoisePoint } from '../plan.js';
import {
  alphaBars,
  createLinearSchedule,
  createSquaredCosineSchedule,
  rescaleToZeroTerminalSnr,
} from '../schedules/noise-schedule.js';
import { createSolverPath, type SolverPathOptions } from './solver-path.js';

const times = (options: SolverPathOptions) =>
  createSolverPath(options)
    .slice(0, -1)
    .map(({ timestep }) => timestep);

describe('on a noise schedule', () => {
  const shares = alphaBars(createLinearSchedule().betas);

  it('passes the levels of its timesteps', () => {
    const path = createSolverPath({ steps: 4 });
    expect(path.map(({ timestep }) => timestep)).toEqual([999, 749, 500, 250, 0]);
    for (const { timestep, alpha, sigma, alphaSlope, sigmaSlope } of path.slice(0, -1)) {
      expect(alpha ** 2).toBeCloseTo(shares[timestep] as number, 14);
      expect(alpha ** 2 + sigma ** 2).toBeCloseTo(1, 14);
      expect([alphaSlope, sigmaSlope]).toEqual([-sigma, alpha]);
    }
  });

  it('leads to the sample, or to the lowest level', () => {
    expect(createSolverPath({ steps: 4 }).at(-1)).toMatchObject({ alpha: 1, sigma: 0 });
    const last = createSolverPath({ steps: 4, finalSigma: 'min' }).at(-1) as NoisePoint;
    expect(last.alpha ** 2).toBeCloseTo(shares[0] as number, 14);
  });

  it('spreads levels over the whole schedule', () => {
    const path = createSolverPath({ steps: 5, sigmaSpacing: 'exponential', finalSigma: 'min' });
    expect(times({ steps: 5, sigmaSpacing: 'exponential' })[0]).toBe(999);
    expect(path.at(-2)).toEqual(path.at(-1));
    const widths = path.slice(1, -1).map((p, i) => logSnr(p) - logSnr(path[i] as NoisePoint));
    for (const width of widths) expect(width).toBeCloseTo(widths[0] as number, 10);
  });

  it('interpolates ln alpha between timesteps', () => {
    const path = createSolverPath({ steps: 4, spacing: 'continuous' });
    expect(path.map(({ timestep }) => timestep)).toEqual([999, 749.25, 499.5, 249.75, 0]);
    const logs = shares.map((share) => Math.log(share) / 2);
    const expected = ((logs[499] as number) + (logs[500] as number)) / 2;
    expect(Math.log(path[2]?.alpha as number)).toBeCloseTo(expected, 12);
  });

  it('rounds model times as asked', () => {
    const options = { steps: 6, sigmaSpacing: 'karras' } as const;
    const exact = times({ ...options, timeRounding: 'none' });
    expect(exact.some((time) => !Number.isInteger(time))).toBe(true);
    expect(times(options)).toEqual(exact.map(Math.round));
    expect(times({ ...options, timeRounding: 'down' })).toEqual(exact.map(Math.floor));
    const down = times({ ...options, sigmaSpacing: 'beta' });
    expect(down).toEqual(times({ ...options, sigmaSpacing: 'beta', timeRounding: 'down' }));
  });

  it('leaves out levels of too little signal', () => {
    const schedule = createSquaredCosineSchedule();
    const [first] = createSolverPath({ schedule, steps: 10, minLogSnr: -5.1 });
    expect(logSnr(first as NoisePoint)).toBeGreaterThanOrEqual(-5.1);
    expect(logSnr(createSolverPath({ schedule, steps: 10 })[0] as NoisePoint)).toBeLessThan(-5.1);
  });

  it('counts pure noise as almost pure', () => {
    const schedule = rescaleToZeroTerminalSnr(createLinearSchedule());
    const [first] = createSolverPath({ schedule, steps: 10 });
    expect(first?.alpha).toBeCloseTo(2 ** -12, 14);
  });

  it.each<object>([
    { sigmaSpacing: 'karras', spacing: 'trailing' },
    { sigmaSpacing: 'karras', minLogSnr: -5 },
    { sigmaSpacing: 'cosine' as 'karras' },
    { sigmaSpacing: 'karras', timeRounding: 'up' as 'down' },
    { finalSigma: 'max' as 'min' },
    { minLogSnr: 100 },
  ])('refuses %j', (options) => {
    const create = () => createSolverPath({ steps: 4, ...options } as SolverPathOptions);
    expect(create).toThrow(InvalidArgumentError);
  });
});

describe('on a flow', () => {
  it('passes straight mixes, from just below pure noise to the sample', () => {
    const path = createSolverPath({ steps: 4, flow: { shift: 3 } });
    expect(path[0]?.sigma).toBe(1 - 1e-6);
    expect(path.at(-1)).toMatchObject({ alpha: 1, sigma: 0 });
    for (const { timestep, alpha, sigma } of path) {
      expect(alpha + sigma).toBeCloseTo(1, 14);
      expect(timestep).toBeCloseTo(1000 * sigma, 10);
    }
  });

  it('takes levels of its own', () => {
    const path = createSolverPath({ flow: { sigmas: [0.9, 0.4], length: 1 } });
    expect(path.map(({ timestep }) => timestep)).toEqual([0.9, 0.4, 0]);
  });

  it.each<object>([
    { schedule: createLinearSchedule() },
    { spacing: 'trailing' },
    { sigmaSpacing: 'karras' },
    { finalSigma: 'min' },
    { minLogSnr: -5 },
  ])('refuses options of noise schedules', (options) => {
    const create = () => createSolverPath({ steps: 4, flow: {}, ...options } as SolverPathOptions);
    expect(create).toThrow(IncompatibleError);
  });
});
