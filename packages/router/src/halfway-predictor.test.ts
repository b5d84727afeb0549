import { expect, it } from 'vitest';
import {
  cubicPredictor,
  halfLinearPredictor,
  halfQuadraticPredictor,
  halfwayPredictor,
  holdPredictor,
} from './predictors.js';

it('goes half the way by hand', () => {
  // Hold [1, 0], line [2, -1], parabola [3, -3, 1] on neighbouring steps.
  expect(halfLinearPredictor.weights(3, [2, 1])).toEqual([1.5, -0.5]);
  expect(halfQuadraticPredictor.weights(3, [2, 1, 0])).toEqual([2.5, -2, 0.5]);
  // Line [1.5, -0.5], parabola [1.875, -1.25, 0.375] on every second step.
  expect(halfLinearPredictor.weights(5, [4, 2])).toEqual([1.25, -0.25]);
  expect(halfQuadraticPredictor.weights(5, [4, 2, 0])).toEqual([1.6875, -0.875, 0.1875]);
});

it('has weights that sum to 1, however many outputs are at hand', () => {
  for (const predictor of [halfLinearPredictor, halfQuadraticPredictor]) {
    for (let count = 1; count <= 4; count++) {
      const computed = [9, 7, 4, 1].slice(0, count);
      const weights = predictor.weights(11, computed);
      expect(weights).toHaveLength(Math.min(count, predictor.depth));
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
    }
  }
});

it('is hold with one output, and the line with two', () => {
  expect(halfLinearPredictor.weights(5, [4])).toEqual([1]);
  expect(halfQuadraticPredictor.weights(5, [4, 2])).toEqual([1.5, -0.5]);
});

it('reads as far back as the deeper of the two', () => {
  const predictor = halfwayPredictor({ name: 'x', lower: holdPredictor, higher: cubicPredictor });
  expect(predictor.depth).toBe(4);
  expect(predictor.weights(4, [3, 2, 1, 0])).toEqual([2.5, -3, 2, -0.5]);
});
