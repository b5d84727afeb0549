import { planFingerprint } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import {
  createDdimPlan,
  createDdpmPlan,
  createDpmSolverPlan,
  createDpmSolverSinglestepPlan,
  createFlowEulerPlan,
  createSaSolverPlan,
  createSitOdePlan,
  createSitSdePlan,
  createUniPcPlan,
  tauBetween,
} from './index.js';
import { createPlan, SAMPLER_NAMES, samplerOf } from './registry.js';

const steps = '8';

describe('createPlan', () => {
  it('is DDIM with 20 steps by default', () => {
    expect(createPlan({}).steps).toEqual(createDdimPlan({ steps: 20 }).steps);
  });

  it('passes every option on', () => {
    const plan = createPlan({ steps: 'ddim10', eta: 0.5, schedule: 'squared-cosine' });
    expect(plan.settings).toMatchObject({ steps: 'ddim10', eta: 0.5, schedule: 'squared-cosine' });
    expect(createPlan({ steps: '21', spacing: 'linspace' }).settings.spacing).toBe('linspace');
    const limited = createPlan({ steps, prediction: 'sample', clip: 1.5 });
    expect(limited.steps[0]?.clip).toEqual({ min: -1.5, max: 1.5 });
  });

  it('has a fixed variance for ddpm and the learned one for iddpm', () => {
    const fixed = createDdpmPlan({ steps: 5, variance: 'fixed-large' });
    const learned = createDdpmPlan({ steps: 5, variance: 'learned-range' });
    expect(createPlan({ sampler: 'ddpm', steps: '5' }).steps).toEqual(fixed.steps);
    expect(createPlan({ sampler: 'iddpm', steps: '5' }).steps).toEqual(learned.steps);
  });

  it.each([
    [
      { sampler: 'sde-dpm-solver++', order: 3, solver: 'heun', sigmaSpacing: 'karras' },
      createDpmSolverPlan({
        steps: 8,
        algorithm: 'sde-dpm-solver++',
        order: 3,
        solver: 'heun',
        sigmaSpacing: 'karras',
      }),
    ],
    [
      { sampler: 'dpm-solver-singlestep', order: 3, solver: 'paper', spacing: 'continuous' },
      createDpmSolverSinglestepPlan({
        steps: 8,
        algorithm: 'dpm-solver',
        order: 3,
        solver: 'paper',
        spacing: 'continuous',
      }),
    ],
    [
      { sampler: 'unipc', solver: 'bh1', uncorrected: [0, 1], spacing: 'trailing' },
      createUniPcPlan({ steps: 8, solver: 'bh1', uncorrected: [0, 1], spacing: 'trailing' }),
    ],
    [
      { sampler: 'sa-solver', predictorOrder: 3, tau: { from: 100, to: 900, value: 0.5 } },
      createSaSolverPlan({
        steps: 8,
        predictorOrder: 3,
        tau: tauBetween({ from: 100, to: 900, value: 0.5 }),
      }),
    ],
    [
      { sampler: 'flow-euler', shift: 3, stochastic: true },
      createFlowEulerPlan({ steps: 8, shift: 3, stochastic: true }),
    ],
    [
      { sampler: 'sit-ode', interpolant: 'gvp', method: 'heun', stopTime: 0.9 },
      createSitOdePlan({ steps: 8, path: 'gvp', method: 'heun', stop: 0.9 }),
    ],
    [
      { sampler: 'sit-sde', diffusion: 'sbdm', startTime: 0.1, lastStep: 'tweedie' },
      createSitSdePlan({ steps: 8, diffusion: 'sbdm', start: 0.1, lastStep: 'tweedie' }),
    ],
  ] as const)('makes the plan of %o', (options, expected) => {
    expect(createPlan({ ...options, steps })).toEqual(expected);
  });

  it('refuses settings that a sampler has not, and values that it refuses', () => {
    expect(() => createPlan({ sampler: 'unipc', eta: 0.5 })).toThrow(
      /^eta is "unipc"; expected a sampler that has it: ddim\. unipc has prediction, /,
    );
    const order = () => createPlan({ sampler: 'dpm-solver++', order: 4 });
    expect(order).toThrow(/order is 4; expected one of 1, 2, 3/);
    const clipped = () => createPlan({ sampler: 'dpm-solver', clip: 1 });
    expect(clipped).toThrow(expect.objectContaining({ code: 'unsupported' }));
    expect(() => createPlan({ sampler: 'unipc', steps: 'ddim20' })).toThrow(/steps is "ddim20"/);
  });

  it('takes sampler and schedule of the model, and refuses samplers of others', () => {
    const process = { kind: 'diffusion', sampler: 'ddpm', schedule: 'squared-cosine' } as const;
    const expected = { sampler: 'ddpm', steps, schedule: 'squared-cosine' } as const;
    expect(createPlan({ steps, process })).toEqual(createPlan(expected));
    const flow = () => createPlan({ sampler: 'flow-euler', process });
    expect(flow).toThrow(/What flow-euler samples is "flow"; expected "diffusion"/);
  });
});

describe('samplerOf', () => {
  it.each(SAMPLER_NAMES)('recognises %s by its plan', (sampler) => {
    const plan = createPlan({ sampler, steps: '7' });
    const made = { name: plan.sampler, steps: 7, planSha256: planFingerprint(plan) };
    expect(samplerOf({ sampler: made })).toBe(sampler);
  });
});
