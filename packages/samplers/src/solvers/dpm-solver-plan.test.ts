import { InvalidArgumentError, UnsupportedError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { createDdimPlan } from '../diffusion/ddim-plan.js';
import { createLinearSchedule, rescaleToZeroTerminalSnr } from '../schedules/noise-schedule.js';
import { createDpmSolverPlan, type DpmSolverPlanOptions } from './dpm-solver-plan.js';

const depths = (options: Partial<DpmSolverPlanOptions>) =>
  createDpmSolverPlan({ steps: 6, ...options } as DpmSolverPlanOptions).steps.map(
    ({ history }) => history.length,
  );

describe('orders', () => {
  it('rise as predictions are made, and fall at the end of short plans', () => {
    expect(depths({ order: 1 })).toEqual([1, 1, 1, 1, 1, 1]);
    expect(depths({ order: 2 })).toEqual([1, 2, 2, 2, 2, 1]);
    expect(depths({ order: 3 })).toEqual([1, 2, 3, 3, 2, 1]);
    expect(depths({ order: 3, steps: 15 }).slice(-3)).toEqual([3, 3, 1]);
  });

  it('stay up to the end without lowerOrderFinal, unless it ends on a sample', () => {
    const open = { order: 3, lowerOrderFinal: false } as const;
    expect(depths(open)).toEqual([1, 2, 3, 3, 3, 1]);
    expect(depths({ ...open, finalSigma: 'min' })).toEqual([1, 2, 3, 3, 3, 3]);
    expect(depths({ ...open, finalSigma: 'min', eulerAtFinal: true })).toEqual([1, 2, 3, 3, 3, 1]);
  });

  it('are 1 for a step of no width, which leaves the latent as it is', () => {
    const sigmas = { sigmaSpacing: 'karras', finalSigma: 'min' } as const;
    const plan = createDpmSolverPlan({ steps: 20, order: 3, ...sigmas });
    expect(plan.steps.at(-1)).toMatchObject({ carry: 1, history: [0] });
  });
});

it('is DDIM at order 1', () => {
  const timesteps = [999, 800, 600, 300, 10];
  const expected = createDdimPlan({ timesteps }).steps;
  createDpmSolverPlan({ timesteps, order: 1 }).steps.forEach(({ carry, history }, i) => {
    expect(carry).toBeCloseTo(expected[i]?.carry as number, 12);
    expect(history[0]).toBeCloseTo(expected[i]?.history[0] as number, 12);
  });
});

it('ends on the predicted sample without noise', () => {
  for (const algorithm of ['dpm-solver++', 'sde-dpm-solver++'] as const) {
    const last = createDpmSolverPlan({ steps: 5, algorithm }).steps.at(-1);
    expect(last).toMatchObject({ carry: 0, history: [1], noise: { kind: 'fixed', std: 0 } });
  }
});

describe('options', () => {
  it('are recorded', () => {
    const plan = createDpmSolverPlan({ steps: 20, algorithm: 'sde-dpm-solver++', order: 3 });
    expect(plan).toMatchObject({ sampler: 'sde-dpm-solver++', prediction: 'epsilon' });
    expect(plan.settings).toEqual({
      schedule: 'linear',
      'schedule.length': 1000,
      'schedule.betaStart': 1e-4,
      'schedule.betaEnd': 2e-2,
      spacing: 'linspace',
      steps: 20,
      finalSigma: 'zero',
      minLogSnr: null,
      clipMin: null,
      clipMax: null,
      order: 3,
      solver: 'midpoint',
      lowerOrderFinal: true,
      eulerAtFinal: false,
    });
    const noise = createDpmSolverPlan({ steps: 20, algorithm: 'dpm-solver' });
    expect(noise.settings).toMatchObject({ finalSigma: 'min' });
    const spaced = createDpmSolverPlan({ steps: 20, sigmaSpacing: 'karras' }).settings;
    expect(spaced).toMatchObject({ spacing: 'karras', timeRounding: 'nearest' });
    const flow = createDpmSolverPlan({ steps: 20, flow: { shift: 3 } });
    expect(flow).toMatchObject({
      prediction: 'velocity',
      settings: { 'flow.shift': 3, steps: 20 },
    });
  });

  it('outside their range are refused', () => {
    const create = (options: object) => () =>
      createDpmSolverPlan({ steps: 6, ...options } as DpmSolverPlanOptions);
    expect(create({ order: 4 })).toThrow(InvalidArgumentError);
    expect(create({ solver: 'bh1' })).toThrow('solver is "bh1"; expected one of midpoint, heun');
    expect(create({ algorithm: 'euler' })).toThrow(InvalidArgumentError);
    expect(create({ algorithm: 'sde-dpm-solver', order: 3 })).toThrow(UnsupportedError);
    expect(create({ algorithm: 'dpm-solver', finalSigma: 'zero' })).toThrow(
      'does not support a final sigma of zero',
    );
  });

  it('of a noise model refuse a schedule that ends in pure noise', () => {
    const schedule = rescaleToZeroTerminalSnr(createLinearSchedule());
    expect(() => createDpmSolverPlan({ steps: 6, schedule })).toThrow('pure noise');
    const { steps } = createDpmSolverPlan({ steps: 6, schedule, prediction: 'velocity' });
    expect(steps).toHaveLength(6);
  });
});
