import { IncompatibleError } from '@harmonica/core';
import { createDdimPlan, createDpmSolverPlan } from '@harmonica/samplers';
import { describe, expect, it } from 'vitest';
import { forwardProcess } from './pairs.js';

describe('forwardProcess', () => {
  it.each(['epsilon', 'velocity'] as const)(
    'tells the levels of the schedule, %s',
    (prediction) => {
      const plan = createDdimPlan({ steps: 5, prediction });
      let alphaBar = 1;
      const levels = new Map<number, number>();
      for (let t = 0; t < 1000; t++) {
        alphaBar *= 1 - (1e-4 + (t * (2e-2 - 1e-4)) / 999);
        levels.set(t, alphaBar);
      }
      plan.steps.forEach(({ timestep }, index) => {
        const { alpha, sigma } = forwardProcess(plan, index);
        const expected = Math.sqrt(levels.get(timestep) as number);
        expect(Math.abs(alpha / expected - 1)).toBeLessThan(1e-11);
        expect(Math.abs(alpha ** 2 + sigma ** 2 - 1)).toBeLessThan(1e-11);
      });
    },
  );

  it('refuses plans that do not tell them', () => {
    for (const plan of [
      createDpmSolverPlan({ steps: 4 }),
      createDdimPlan({ steps: 4, prediction: 'sample' }),
    ]) {
      expect(() => forwardProcess(plan, 0)).toThrowError(IncompatibleError);
    }
  });
});
