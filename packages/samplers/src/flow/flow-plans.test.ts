import { IncompatibleError, InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { createFlowEulerPlan, createFlowHeunPlan } from './flow-plans.js';

describe('Euler', () => {
  it('goes along the velocity', () => {
    // With velocity v = 2 everywhere, x falls by 2 times the width of each step.
    const { steps } = createFlowEulerPlan({ sigmas: [1, 0.6, 0.3] });
    let x = 5;
    const latents = steps.map(({ toPrediction, carry, history }) => {
      const p = toPrediction.x * x + toPrediction.model * 2;
      x = carry * x + (history[0] as number) * p;
      return x;
    });
    [4.2, 3.6, 3].forEach((expected, i) => {
      expect(latents[i]).toBeCloseTo(expected, 14);
    });
    expect(steps.map(({ timestep }) => timestep)).toEqual([1000, 600, 300]);
    expect(steps.at(-1)).toMatchObject({ carry: 0, history: [1] });
  });

  it('draws anew if stochastic', () => {
    const { steps } = createFlowEulerPlan({ sigmas: [1, 0.6, 0.3], stochastic: true });
    expect(steps.map(({ carry, history }) => [carry, ...history])).toEqual([
      [0, 0.4],
      [0, 0.7],
      [0, 1],
    ]);
    expect(steps.map(({ noise }) => noise)).toEqual(
      [0.6, 0.3, 0].map((std) => ({ kind: 'fixed', std })),
    );
  });
});

describe('Heun', () => {
  it('evaluates the model at both ends of every step but the last', () => {
    const { steps } = createFlowHeunPlan({ sigmas: [1, 0.6, 0.3] });
    expect(steps.map(({ timestep }) => timestep)).toEqual([1000, 600, 600, 300, 300]);
    expect(steps.at(-1)).toMatchObject({ carry: 0, history: [1] });
  });
});

describe('options', () => {
  it('are recorded', () => {
    const plan = createFlowEulerPlan({
      steps: 4,
      dynamicShift: { tokens: 256 },
      length: 1,
      sigmaMin: 0.01,
    });
    expect(plan).toMatchObject({ sampler: 'flow-euler', prediction: 'velocity', initialStd: 1 });
    expect(plan.settings).toEqual({
      steps: 4,
      sigmas: 'even',
      length: 1,
      sigmaMin: 0.01,
      shift: Math.exp(0.5),
      shiftTokens: 256,
      shiftTerminal: null,
      clipMin: null,
      clipMax: null,
      stochastic: false,
    });
    const explicit = createFlowHeunPlan({ sigmas: [1, 0.5] });
    expect(explicit).toMatchObject({ sampler: 'flow-heun', settings: { sigmas: 'explicit' } });
  });

  it('refuse a noise model at pure noise', () => {
    expect(() => createFlowEulerPlan({ steps: 4, prediction: 'epsilon' })).toThrow(
      IncompatibleError,
    );
    const later = { sigmas: [0.9, 0.5], prediction: 'epsilon' } as const;
    expect(createFlowEulerPlan(later).steps).toHaveLength(2);
    expect(() => createFlowEulerPlan({})).toThrow(InvalidArgumentError);
  });
});
