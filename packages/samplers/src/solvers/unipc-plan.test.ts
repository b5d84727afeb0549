import { InvalidArgumentError, UnsupportedError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { createDpmSolverPlan } from './dpm-solver-plan.js';
import { createUniPcPlan, type UniPcPlanOptions } from './unipc-plan.js';

const create = (options: object) => createUniPcPlan({ steps: 6, ...options } as UniPcPlanOptions);
const depths = (options: object) => create(options).steps.map(({ history }) => history.length);

describe('steps', () => {
  it('read one prediction more where the latent before is corrected', () => {
    expect(depths({ order: 2, uncorrected: 'all' })).toEqual([1, 2, 2, 2, 2, 1]);
    expect(depths({ order: 2 })).toEqual([1, 2, 3, 3, 3, 3]);
    expect(depths({ order: 3 })).toEqual([1, 2, 3, 4, 4, 3]);
    expect(depths({ order: 3, uncorrected: [2] })).toEqual([1, 2, 3, 3, 4, 3]);
  });

  it('keep their order to the end without lowerOrderFinal', () => {
    const open = { order: 2, uncorrected: 'all', lowerOrderFinal: false };
    expect(depths({ ...open, finalSigma: 'min' })).toEqual([1, 2, 2, 2, 2, 2]);
    expect(depths(open)).toEqual([1, 2, 2, 2, 2, 1]);
  });
});

it('is DPM-Solver++(2M) at order 2 with bh2 and without corrector', () => {
  const expected = createDpmSolverPlan({ steps: 6, order: 2 }).steps;
  create({ order: 2, uncorrected: 'all' }).steps.forEach((step, i) => {
    const numbers = ({ carry, history }: typeof step) => [carry, ...history];
    numbers(step).forEach((value, j) => {
      expect(value).toBeCloseTo(numbers(expected[i] as typeof step)[j] as number, 12);
    });
  });
});

it('depends on B(h) only where a line is integrated', () => {
  const of = (options: object) => create({ steps: 12, ...options }).steps[5]?.history;
  const both = (options: object) => [
    of({ ...options, solver: 'bh1' }),
    of({ ...options, solver: 'bh2' }),
  ];
  const [third1, third2] = both({ order: 3 });
  const [second1, second2] = both({ order: 2 });
  expect(third1).toEqual(third2);
  expect(second1).not.toEqual(second2);
});

it('records its options and refuses others', () => {
  expect(create({ uncorrected: [0, 2] })).toMatchObject({
    sampler: 'unipc',
    settings: { order: 2, solver: 'bh2', integrate: 'sample', uncorrected: '0,2' },
  });
  expect(() => create({ order: 5 })).toThrow(InvalidArgumentError);
  expect(() => create({ solver: 'midpoint' })).toThrow(InvalidArgumentError);
  expect(() => create({ integrate: 'velocity' })).toThrow(InvalidArgumentError);
  expect(() => create({ uncorrected: [-1] })).toThrow(InvalidArgumentError);
  expect(() => create({ integrate: 'epsilon', finalSigma: 'zero' })).toThrow(UnsupportedError);
});
