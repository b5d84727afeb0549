import { InvalidArgumentError } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { branchesOf } from './__fixtures__/branches.js';
import { columnOf, official } from './__fixtures__/official-policies.js';
import { taylorSeerSchedule } from './methods/taylor-seer.js';
import {
  holdPredictor,
  linearPredictor,
  polynomialPredictor,
  taylorPredictor,
} from './predictors.js';
import { scheduleDecisions } from './schedule/schedule.js';

const history = fc
  .uniqueArray(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 6 })
  .map((steps) => steps.sort((a, b) => b - a));

const dot = (weights: readonly number[], values: readonly number[]) =>
  weights.reduce((sum, weight, i) => sum + weight * (values[i] as number), 0);

/** What a branch gives in every step: its value where it is computed, else the prediction from those before. */
function outputsOf(options: {
  table: readonly string[];
  values: readonly number[];
  order: number;
}) {
  const { table, values, order } = options;
  const predictor = taylorPredictor({ order });
  return scheduleDecisions({ table }).map(([computed], step) => {
    const earlier = table.flatMap((row, i) => (i < step && row[0] === '1' ? [i] : []));
    const read = earlier.reverse().slice(0, predictor.depth);
    if (computed) return values[step] as number;
    return dot(
      predictor.weights(step, read),
      read.map((i) => values[i] as number),
    );
  });
}

/** Relative, for predictions grow with the order. */
function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number) {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    const distance = Math.abs(value - (expected[i] as number));
    expect(distance).toBeLessThan(tolerance * (1 + Math.abs(expected[i] as number)));
  });
}

describe.each(official.taylorSeer)('T $steps, interval $interval, order $order', (expected) => {
  const { steps, interval, order, values } = expected;
  const branches = branchesOf(1);

  it('computes and predicts as the official code', () => {
    const { table } = taylorSeerSchedule({ steps, branches, interval });
    expect(columnOf(table, 0)).toBe(expected.table);
    // Their sums run in another order, in float64; the largest weights are about 1e2.
    expectClose(outputsOf({ table, values, order }), expected.outputs, 1e-12);
  });

  it('computes and predicts as diffusers', () => {
    const { table } = taylorSeerSchedule({
      steps,
      branches,
      interval,
      warmUp: 3,
      anchor: 4,
      fullFrom: steps - 2,
    });
    expect(columnOf(table, 0)).toBe(expected.diffusers.table);
    expectClose(outputsOf({ table, values, order }), expected.diffusers.outputs, 1e-12);
  });
});

describe('taylorPredictor', () => {
  it('is hold and linear at orders 0 and 1, whatever the spacing', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 9 }), (steps, ahead) => {
        const at = (steps[0] as number) + ahead;
        for (const [order, same] of [holdPredictor, linearPredictor].entries()) {
          const read = steps.slice(0, same.depth);
          expectClose(taylorPredictor({ order }).weights(at, read), same.weights(at, read), 1e-12);
        }
      }),
    );
  });

  it('has weights that sum to 1, whatever the order and spacing', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 9 }), (steps, ahead) => {
        const predictor = taylorPredictor({ order: 5 });
        const weights = predictor.weights((steps[0] as number) + ahead, steps);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const scale = Math.max(...weights.map(Math.abs));
        expect(Math.abs(total - 1)).toBeLessThan(1e-11 * scale);
      }),
    );
  });

  it('differs from interpolation by u/2 of the second difference on equally spaced steps', () => {
    const values = [2, -1, 5];
    const secondDifference = 2 + 2 + 5;
    for (const spacing of [1, 2, 5]) {
      const nodes = [40, 40 - spacing, 40 - 2 * spacing];
      for (let ahead = 1; ahead <= spacing; ahead++) {
        const taylor = dot(taylorPredictor({ order: 2 }).weights(40 + ahead, nodes), values);
        const quadratic = polynomialPredictor({ name: 'quadratic', degree: 2 });
        const lagrange = dot(quadratic.weights(40 + ahead, nodes), values);
        expect(lagrange - taylor).toBeCloseTo((ahead / spacing / 2) * secondDifference, 12);
      }
    }
  });

  it('takes the i-th backward difference by u^i / i!', () => {
    // f = 1, 0, 0, 0: the i-th difference at the newest step is 1.
    const [newest] = taylorPredictor({ order: 3 }).weights(13, [12, 10, 8, 6]);
    const u = 1 / 2;
    expect(newest).toBeCloseTo(1 + u + u ** 2 / 2 + u ** 3 / 6, 14);
  });

  it('reads as many outputs as its order needs, and fewer while there are fewer', () => {
    const predictor = taylorPredictor({ order: 2 });
    expect([predictor.depth, predictor.name]).toEqual([3, 'taylor-2']);
    expect(predictor.weights(9, [8])).toEqual([1]);
    expect(predictor.weights(9, [8, 7])).toEqual([2, -1]);
    expect(() => taylorPredictor({ order: -1 })).toThrow(InvalidArgumentError);
  });
});
