import { InvalidArgumentError } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  holdPredictor,
  lagrangeWeights,
  linearPredictor,
  polynomialPredictor,
  quadraticPredictor,
} from './predictors.js';

const predictors = [holdPredictor, linearPredictor, quadraticPredictor];

/** A step to predict and the distinct earlier steps at hand, most recent first. */
const situations = fc
  .uniqueArray(fc.integer({ min: 0, max: 249 }), { minLength: 1, maxLength: 3 })
  .chain((steps) => {
    const computed = steps.sort((a, b) => b - a);
    const later = fc.integer({ min: (computed[0] as number) + 1, max: 250 });
    return fc.record({ step: later, computed: fc.constant(computed) });
  });

const dot = (weights: readonly number[], values: readonly number[]) =>
  weights.reduce((sum, weight, i) => sum + weight * (values[i] as number), 0);

describe.each(predictors)('$name', (predictor) => {
  it('has weights that sum to 1', () => {
    fc.assert(
      fc.property(situations, ({ step, computed }) => {
        const weights = predictor.weights(step, computed);
        const scale = Math.max(...weights.map(Math.abs));
        expect(
          Math.abs(
            dot(
              weights,
              weights.map(() => 1),
            ) - 1,
          ),
        ).toBeLessThan(1e-12 * scale);
      }),
    );
  });

  it('is exact on polynomials of its degree', () => {
    const coefficients = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(situations, coefficients, ({ step, computed }, c) => {
        const used = computed.slice(0, predictor.depth);
        const p = (t: number) => c.slice(0, used.length).reduce((y, a, n) => y + a * t ** n, 0);
        const weights = predictor.weights(step, used);
        const scale = 1 + Math.max(...weights.map((w, i) => Math.abs(w * p(used[i] as number))));
        expect(Math.abs(dot(weights, used.map(p)) - p(step))).toBeLessThan(1e-11 * scale);
      }),
    );
  });

  it('falls back to a lower order while fewer outputs are at hand', () => {
    for (let count = 1; count <= 3; count++) {
      const computed = [7, 4, 2].slice(0, count);
      const expected = lagrangeWeights({ at: 9, nodes: computed.slice(0, predictor.depth) });
      expect(predictor.weights(9, computed)).toEqual(expected);
      expect(expected).toHaveLength(Math.min(count, predictor.depth));
    }
  });
});

describe('weights by hand', () => {
  it('repeats, continues a line and continues a parabola', () => {
    expect(holdPredictor.weights(9, [6])).toEqual([1]);
    expect(linearPredictor.weights(3, [2, 1])).toEqual([2, -1]);
    expect(linearPredictor.weights(5, [4, 2])).toEqual([1.5, -0.5]);
    expect(quadraticPredictor.weights(3, [2, 1, 0])).toEqual([3, -3, 1]);
    expect(quadraticPredictor.weights(5, [4, 2, 0])).toEqual([1.875, -1.25, 0.375]);
  });
});

it('refuses equal nodes, no nodes and a broken degree', () => {
  expect(() => lagrangeWeights({ at: 3, nodes: [1, 1] })).toThrow(InvalidArgumentError);
  expect(() => lagrangeWeights({ at: 3, nodes: [] })).toThrow(InvalidArgumentError);
  expect(() => polynomialPredictor({ name: 'x', degree: -1 })).toThrow(InvalidArgumentError);
});
