import { IncompatibleError, InvalidArgumentError } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { branchesOf, specOf } from '../__fixtures__/branches.js';
import { allComputeSchedule } from '../all-compute-schedule.js';
import {
  branchCostWeights,
  macsCostModel,
  scheduleCost,
  theoreticalSpeedUp,
} from './cost-model.js';
import { createSchedule } from './schedule.js';

const branches = branchesOf(2);
const macs = macsCostModel(specOf(branches));
const schedule = createSchedule({
  decisions: [
    [true, true, true, true],
    [false, true, false, false],
  ],
});

describe('cost of a schedule', () => {
  it('counts the fixed part of every step and the branches that are computed', () => {
    expect(macs).toEqual({
      unit: 'macs',
      begin: 20,
      branches: [100, 200, 100, 200],
      predict: 0,
      end: 30,
    });
    expect(scheduleCost({ schedule, cost: macs })).toBe(2 * 50 + 600 + 200);
    expect(theoreticalSpeedUp({ schedule, cost: macs })).toBe(1300 / 900);
  });

  it('counts what a prediction costs', () => {
    expect(scheduleCost({ schedule, cost: { ...macs, predict: 7 } })).toBe(900 + 3 * 7);
  });

  it('is 1 where everything is computed', () => {
    const full = allComputeSchedule({ steps: 5, branches });
    expect(theoreticalSpeedUp({ schedule: full, cost: macs })).toBe(1);
  });

  it('refuses costs of another model', () => {
    const cost = macsCostModel(specOf(branchesOf(3)));
    expect(() => scheduleCost({ schedule, cost })).toThrow(IncompatibleError);
  });
});

describe('branchCostWeights', () => {
  it('keeps proportions and has a mean of 1', () => {
    expect(branchCostWeights(macs)).toEqual([2 / 3, 4 / 3, 2 / 3, 4 / 3]);
    const costs = fc.array(fc.double({ min: 1e-3, max: 1e12, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(costs, (values) => {
        const weights = branchCostWeights({ branches: values });
        const mean = weights.reduce((a, b) => a + b, 0) / weights.length;
        expect(mean).toBeCloseTo(1, 9);
        weights.forEach((weight, i) => {
          const ratio = (weight * (values[0] as number)) / (weights[0] as number);
          expect(ratio / (values[i] as number)).toBeCloseTo(1, 9);
        });
      }),
    );
  });

  it.each([[[]], [[1, 0]], [[1, Number.NaN]], [[Infinity]]])('refuses %o', (values) => {
    expect(() => branchCostWeights({ branches: values })).toThrow(InvalidArgumentError);
  });
});
