import { InvalidArgumentError, UnsupportedError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import {
  createDpmSolverSinglestepPlan,
  type DpmSolverSinglestepPlanOptions,
} from './dpm-solver-singlestep-plan.js';

const create = (options: object) =>
  createDpmSolverSinglestepPlan({ steps: 6, ...options } as DpmSolverSinglestepPlanOptions);
const depths = (options: object) => create(options).steps.map(({ history }) => history.length);

describe('groups', () => {
  it('have as many steps as the order, and end on a first-order step', () => {
    expect(depths({ order: 2, steps: 6 })).toEqual([1, 2, 1, 2, 1, 1]);
    expect(depths({ order: 2, steps: 7 })).toEqual([1, 2, 1, 2, 1, 2, 1]);
    expect(depths({ order: 3, steps: 6 })).toEqual([1, 2, 3, 1, 2, 1]);
    expect(depths({ order: 3, steps: 7 })).toEqual([1, 2, 3, 1, 2, 3, 1]);
    expect(depths({ order: 3, steps: 8 })).toEqual([1, 2, 3, 1, 2, 3, 1, 1]);
    expect(depths({ order: 3, steps: 8, finalSigma: 'min' })).toEqual([1, 2, 3, 1, 2, 3, 1, 2]);
    expect(depths({ order: 3, steps: 1 })).toEqual([1]);
  });

  it('stay whole without lowerOrderFinal', () => {
    const whole = { lowerOrderFinal: false, finalSigma: 'min' };
    expect(depths({ order: 3, ...whole })).toEqual([1, 2, 3, 1, 2, 3]);
    expect(() => create({ order: 3, steps: 7, ...whole })).toThrow(InvalidArgumentError);
    expect(() => create({ order: 2, lowerOrderFinal: false })).toThrow('true, unless steps is');
  });
});

describe('noise', () => {
  it('of the steps inside a group is taken back', () => {
    const { steps } = create({ order: 3, steps: 7, algorithm: 'sde-dpm-solver++' });
    const earlier = steps.map(({ noise }) => (noise.kind === 'fixed' ? noise.earlier : undefined));
    expect(earlier.map((factors) => factors?.length ?? 0)).toEqual([0, 1, 1, 0, 1, 1, 0]);
    for (const factors of earlier)
      for (const factor of factors ?? []) expect(factor).toBeLessThan(0);
  });

  it('is absent without an SDE', () => {
    for (const { noise } of create({ order: 3 }).steps) {
      expect(noise).toEqual({ kind: 'fixed', std: 0 });
    }
  });
});

it('records its options and refuses others', () => {
  expect(create({ order: 3, solver: 'heun' })).toMatchObject({
    sampler: 'dpm-solver++-singlestep',
    settings: { order: 3, solver: 'heun', lowerOrderFinal: true, steps: 6 },
  });
  expect(() => create({ order: 0 })).toThrow(InvalidArgumentError);
  expect(() => create({ algorithm: 'sde-dpm-solver' })).toThrow(UnsupportedError);
  expect(() => create({ algorithm: 'dpm-solver', finalSigma: 'zero' })).toThrow(UnsupportedError);
});
