import { InvalidArgumentError, UnsupportedError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { createSaSolverPlan, type SaSolverPlanOptions, tauBetween } from './sa-solver-plan.js';

const create = (options: object) =>
  createSaSolverPlan({ steps: 6, ...options } as SaSolverPlanOptions);
const depths = (options: object) => create(options).steps.map(({ history }) => history.length);
const stds = (options: object) =>
  create(options).steps.map(({ noise }) => (noise.kind === 'fixed' ? noise.std : Number.NaN));

describe('tau', () => {
  it('is 1 in the middle of the diffusion by default', () => {
    const { steps } = create({ steps: 10 });
    steps.forEach(({ timestep, noise }) => {
      const std = noise.kind === 'fixed' ? noise.std : Number.NaN;
      expect(std > 0).toBe(timestep >= 200 && timestep <= 800);
    });
    expect(tauBetween({ from: 5, to: 6, value: 0.5 })(5)).toBe(0.5);
  });

  it('is asked for every visited timestep and recorded', () => {
    const seen: number[] = [];
    const plan = create({
      tau: (timestep: number) => {
        seen.push(timestep);
        return timestep / 1000;
      },
    });
    expect(seen).toEqual(plan.steps.map(({ timestep }) => timestep));
    expect(plan.settings.tau).toBe(seen.map((t) => t / 1000).join(','));
  });

  it('of 0 adds no noise; the more, the more', () => {
    expect(stds({ tau: () => 0 })).toEqual(Array(6).fill(0));
    const [some, more] = [0.5, 1].map((tau) => stds({ tau: () => tau }));
    more?.forEach((std, i) => {
      expect(std).toBeGreaterThan(some?.[i] as number);
    });
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('of %s is refused', (tau) => {
    expect(() => create({ tau: () => tau })).toThrow(InvalidArgumentError);
  });
});

describe('orders', () => {
  it('rise as predictions are made and fall at the end', () => {
    const predictor = { correctorOrder: 0 };
    expect(depths({ ...predictor, predictorOrder: 1 })).toEqual([1, 1, 1, 1, 1, 1]);
    expect(depths({ ...predictor, predictorOrder: 3 })).toEqual([1, 2, 3, 3, 2, 1]);
    const open = { ...predictor, predictorOrder: 3, lowerOrderFinal: false };
    expect(depths(open)).toEqual([1, 2, 3, 3, 3, 3]);
    expect(depths({ ...open, finalSigma: 'zero' })).toEqual([1, 2, 3, 3, 3, 1]);
    expect(depths({ predictorOrder: 1, correctorOrder: 4 })).toEqual([1, 2, 3, 4, 4, 3]);
  });
});

it('ends on the predicted sample if asked to', () => {
  const last = create({ finalSigma: 'zero', correctorOrder: 0, tau: () => 1 }).steps.at(-1);
  expect(last).toMatchObject({ carry: 0, history: [1], noise: { kind: 'fixed', std: 0 } });
  expect(create({}).settings.finalSigma).toBe('min');
});

it('refuses options outside their range', () => {
  expect(() => create({ predictorOrder: 0 })).toThrow(InvalidArgumentError);
  expect(() => create({ correctorOrder: 5 })).toThrow(InvalidArgumentError);
  expect(() => create({ integrate: 'velocity' })).toThrow(InvalidArgumentError);
  expect(() => create({ integrate: 'epsilon', finalSigma: 'zero' })).toThrow(UnsupportedError);
});
