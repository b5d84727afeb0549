import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import {
  lagrangeCoefficients,
  perStepPredictor,
  predictorByName,
  predictorNames,
  quadraticPredictor,
  registerPredictor,
  taylorPredictor,
} from './predictors.js';
import { planCache } from './run/plan-cache.js';
import { formatSchedule, parseCacheDocument } from './schedule/readable-json.js';
import { createSchedule } from './schedule/schedule.js';

describe('predictorByName', () => {
  it('finds every predictor by its own name', () => {
    expect(predictorNames().map((name) => predictorByName(name).name)).toEqual(predictorNames());
    const depths = predictorNames().map((name) => predictorByName(name).depth);
    expect(depths).toEqual([1, 2, 3, 4, 2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const nodes = [8, 6, 3, 2, 0];
    const order3 = taylorPredictor({ order: 3 });
    expect(predictorByName('taylor-3').coefficients(9, nodes)).toEqual(
      order3.coefficients(9, nodes),
    );
    const cubic = lagrangeCoefficients({ at: 9, nodes: nodes.slice(0, 4) });
    expect(predictorByName('cubic').coefficients(9, nodes)).toEqual(cubic);
  });

  it('knows hold as the Taylor predictor of order 0', () => {
    const [taylor, hold] = [predictorByName('taylor-0'), predictorByName('hold')];
    expect(taylor.depth).toBe(hold.depth);
    expect(taylor.coefficients(9, [7])).toEqual(hold.coefficients(9, [7]));
  });

  it('refuses a name that no predictor has', () => {
    expect(() => predictorByName('quartic')).toThrow(InvalidArgumentError);
    expect(() => predictorByName(['hold', 'quartic'])).toThrow(InvalidArgumentError);
  });

  it('gives another predictor for each step', () => {
    const predictor = predictorByName(['hold', 'hold', 'linear', 'quadratic', 'hold']);
    expect(predictor.depth).toBe(3);
    expect(predictor.coefficients(2, [1, 0])).toEqual([2, -1]);
    expect(predictor.coefficients(3, [2, 1, 0])).toEqual(
      quadraticPredictor.coefficients(3, [2, 1, 0]),
    );
    expect(predictor.coefficients(4, [3, 1, 0])).toEqual([1, 0, 0]);
  });
});

describe('registerPredictor', () => {
  const fading = { name: 'fading', depth: 1, coefficients: () => [0.9] };

  it('gives a predictor a name for as long as it is not taken away', () => {
    const schedule = createSchedule({ decisions: [[true], [false]], predictor: 'fading' });
    const remove = registerPredictor(fading);
    try {
      expect(predictorNames().at(-1)).toBe('fading');
      expect(predictorByName('fading')).toBe(fading);
      expect(predictorByName(['hold', 'fading']).coefficients(1, [0])).toEqual([0.9]);
      expect(parseCacheDocument(formatSchedule(schedule))).toEqual(schedule);
      expect(planCache({ schedule }).actions[1]?.[0]).toMatchObject({ coefficients: [0.9] });
    } finally {
      remove();
    }
    expect(() => predictorByName('fading')).toThrow(InvalidArgumentError);
    expect(() => parseCacheDocument(formatSchedule(schedule))).toThrow(/got fading; expected one/);
  });

  it.each([
    [{ name: 'hold' }, /name of a predictor is "hold"; expected a name other than hold, linear/],
    [{ name: 'per-step' }, /expected a name other than .*, per-step/],
    [{ name: 'Fading' }, /expected lower-case letters/],
    [{ depth: 0 }, /depth is 0/],
  ])('refuses %o', (fields, message) => {
    expect(() => registerPredictor({ ...fading, ...fields })).toThrow(InvalidArgumentError);
    expect(() => registerPredictor({ ...fading, ...fields })).toThrow(message);
  });
});

describe('perStepPredictor', () => {
  it('refuses an empty list and a step beyond it', () => {
    expect(() => perStepPredictor([])).toThrow(InvalidArgumentError);
    expect(() => perStepPredictor([quadraticPredictor]).coefficients(1, [0])).toThrow(/step is 1/);
  });

  it('holds no output longer than a step reads it', () => {
    const decisions = [[true], [true], [true], [false], [true], [false]];
    const predictor = ['hold', 'hold', 'hold', 'hold', 'hold', 'hold'];
    predictor[3] = 'quadratic';
    const plan = planCache({ schedule: createSchedule({ decisions, predictor }) });
    // Step 3 reads outputs 2, 1 and 0; step 5 reads output 4 alone.
    expect(plan.actions[3]?.[0]).toMatchObject({ sources: [2, 1, 0] });
    expect(plan.actions[5]?.[0]).toMatchObject({ sources: [4], coefficients: [1] });
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
