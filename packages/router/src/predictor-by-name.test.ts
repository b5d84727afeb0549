import { InvalidArgumentError, PREDICTOR_NAMES, type PredictorName } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import {
  lagrangeWeights,
  perStepPredictor,
  predictorByName,
  quadraticPredictor,
  taylorPredictor,
} from './predictors.js';
import { planCache } from './run/plan-cache.js';
import { createSchedule } from './schedule/schedule.js';

describe('predictorByName', () => {
  it('finds every predictor by its own name', () => {
    expect(PREDICTOR_NAMES.map((name) => predictorByName(name).name)).toEqual(PREDICTOR_NAMES);
    const depths = PREDICTOR_NAMES.map((name) => predictorByName(name).depth);
    expect(depths).toEqual([1, 2, 3, 4, 2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const nodes = [8, 6, 3, 2, 0];
    const order3 = taylorPredictor({ order: 3 });
    expect(predictorByName('taylor-3').weights(9, nodes)).toEqual(order3.weights(9, nodes));
    const cubic = lagrangeWeights({ at: 9, nodes: nodes.slice(0, 4) });
    expect(predictorByName('cubic').weights(9, nodes)).toEqual(cubic);
  });

  it('knows hold as the Taylor predictor of order 0', () => {
    const [taylor, hold] = [predictorByName('taylor-0'), predictorByName('hold')];
    expect(taylor.depth).toBe(hold.depth);
    expect(taylor.weights(9, [7])).toEqual(hold.weights(9, [7]));
  });

  it('refuses a name that no predictor has', () => {
    expect(() => predictorByName('quartic' as PredictorName)).toThrow(InvalidArgumentError);
    expect(() => predictorByName(['hold', 'quartic' as PredictorName])).toThrow(
      InvalidArgumentError,
    );
  });

  it('gives another predictor for each step', () => {
    const predictor = predictorByName(['hold', 'hold', 'linear', 'quadratic', 'hold']);
    expect(predictor.depth).toBe(3);
    expect(predictor.weights(2, [1, 0])).toEqual([2, -1]);
    expect(predictor.weights(3, [2, 1, 0])).toEqual(quadraticPredictor.weights(3, [2, 1, 0]));
    expect(predictor.weights(4, [3, 1, 0])).toEqual([1, 0, 0]);
  });
});

describe('perStepPredictor', () => {
  it('refuses an empty list and a step beyond it', () => {
    expect(() => perStepPredictor([])).toThrow(InvalidArgumentError);
    expect(() => perStepPredictor([quadraticPredictor]).weights(1, [0])).toThrow(/step is 1/);
  });

  it('holds no output longer than a step reads it', () => {
    const decisions = [[true], [true], [true], [false], [true], [false]];
    const predictor: PredictorName[] = ['hold', 'hold', 'hold', 'hold', 'hold', 'hold'];
    predictor[3] = 'quadratic';
    const plan = planCache({ schedule: createSchedule({ decisions, predictor }) });
    // Step 3 reads outputs 2, 1 and 0; step 5 reads output 4 alone.
    expect(plan.actions[3]?.[0]).toMatchObject({ sources: [2, 1, 0] });
    expect(plan.actions[5]?.[0]).toMatchObject({ sources: [4], weights: [1] });
    expect(plan.releases[3]).toHaveLength(3);
  });

  it('a named Taylor predictor has the lifetimes of its order', () => {
    const decisions = [[true], [true], [true], [false], [true], [false]];
    const plan = planCache({ schedule: createSchedule({ decisions, predictor: 'taylor-2' }) });
    expect(plan.actions[3]?.[0]).toMatchObject({ sources: [2, 1, 0] });
    expect(plan.actions[5]?.[0]).toMatchObject({ sources: [4, 2, 1] });
    expect(plan.releases[3]).toEqual([{ branch: 0, step: 0 }]);
    expect(plan.peakOutputs).toBe(3);
  });
});
