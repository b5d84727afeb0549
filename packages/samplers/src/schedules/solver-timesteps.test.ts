import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { type SolverStepSelection, selectSolverTimesteps } from './timesteps.js';

const select = (selection: SolverStepSelection, usable = 1000) =>
  selectSolverTimesteps({ ...selection, length: 1000, usable });

describe('selectSolverTimesteps', () => {
  it('spreads steps over the schedule but for timestep 0', () => {
    expect(select({ steps: 4 })).toEqual([999, 749, 500, 250]);
    expect(select({ steps: 4, spacing: 'linspace' })).toEqual(select({ steps: 4 }));
    expect(select({ steps: 4, spacing: 'leading' })).toEqual([800, 600, 400, 200]);
    expect(select({ steps: 4, spacing: 'leading', stepsOffset: 1 })).toEqual([801, 601, 401, 201]);
    expect(select({ steps: 4, spacing: 'trailing' })).toEqual([999, 749, 499, 249]);
  });

  it('goes evenly through times between timesteps', () => {
    expect(select({ steps: 4, spacing: 'continuous' })).toEqual([999, 749.25, 499.5, 249.75]);
    expect(select({ steps: 4, spacing: 'continuous' }, 801)).toEqual([800, 600, 400, 200]);
  });

  it('leaves out the noisiest timesteps', () => {
    expect(select({ steps: 4 }, 801)).toEqual([800, 600, 400, 200]);
    expect(select({ steps: 4, spacing: 'leading' }, 905)).toEqual([724, 543, 362, 181]);
    expect(select({ steps: 4, spacing: 'trailing' }, 700)).toEqual([699, 449, 199]);
  });

  it('takes explicit timesteps in any order', () => {
    expect(select({ timesteps: [5, 900, 0] })).toEqual([900, 5, 0]);
  });

  it.each<[string, object]>([
    ['nothing', {}],
    ['both', { steps: 2, timesteps: [1, 2] }],
    ['no steps', { steps: 0 }],
    ['half a step', { steps: 2.5 }],
    ['more steps than timesteps', { steps: 1001, spacing: 'trailing' }],
    ['more steps than timesteps', { steps: 1500 }],
    ['more steps than timesteps', { steps: 1500, spacing: 'leading' }],
    ['an offset beyond the end', { steps: 4, spacing: 'leading', stepsOffset: 200 }],
    ['a negative offset', { steps: 4, spacing: 'leading', stepsOffset: -1 }],
    ['an unknown spacing', { steps: 4, spacing: 'even' }],
    ['a timestep twice', { timesteps: [3, 3] }],
    ['a timestep beyond the end', { timesteps: [1000] }],
  ])('refuses %s: %j', (_, selection) => {
    expect(() => select(selection as SolverStepSelection)).toThrow(InvalidArgumentError);
  });
});
