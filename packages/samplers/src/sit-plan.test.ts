import { IncompatibleError, InvalidArgumentError, NonFiniteError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { createSitOdePlan, type SitOdePlanOptions } from './sit/sit-ode-plan.js';
import { createSitSdePlan, type SitSdePlanOptions } from './sit/sit-sde-plan.js';

const ode = (options: object) => createSitOdePlan({ steps: 4, ...options } as SitOdePlanOptions);
const sde = (options: object) => createSitSdePlan({ steps: 4, ...options } as SitSdePlanOptions);
const timesOf = ({ steps }: ReturnType<typeof ode>) => steps.map(({ timestep }) => timestep);

describe('model times', () => {
  it('rise from noise at 0 to samples at 1', () => {
    expect(timesOf(ode({}))).toEqual([0, 0.25, 0.5, 0.75]);
    expect(timesOf(ode({ method: 'heun' }))).toEqual([0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1]);
    expect(timesOf(sde({ lastStepSize: 0.25 }))).toEqual([0, 0.25, 0.5, 0.75]);
    expect(timesOf(sde({ lastStep: 'none' }))).toEqual([0, 1 / 3, 2 / 3]);
    const heun = timesOf(sde({ lastStepSize: 0.25, method: 'heun' }));
    expect(heun).toEqual([0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75]);
  });

  it('keep away from both ends for noise models', () => {
    const times = timesOf(ode({ prediction: 'epsilon', method: 'heun' }));
    expect([times[0], times.at(-1)]).toEqual([0.001, 0.999]);
    expect(timesOf(sde({ prediction: 'epsilon' }))[0]).toBe(0.001);
    expect(() => ode({ prediction: 'epsilon', start: 0 })).toThrow(IncompatibleError);
  });
});

describe('the SDE', () => {
  it('without diffusion is the ODE', () => {
    const last = { lastStep: 'euler', lastStepSize: 0.25 };
    const flow = ode({}).steps.map(({ carry, history }) => [carry, ...history]);
    const still = sde({ diffusionNorm: 0, ...last }).steps;
    still.forEach(({ carry, history, noise }, i) => {
      expect(noise).toEqual({ kind: 'fixed', std: 0 });
      [carry, ...history].forEach((factor, j) => {
        expect(factor).toBeCloseTo(flow[i]?.[j] as number, 12);
      });
    });
  });

  it("has the noise of Heun's first step in the initial latent", () => {
    expect(sde({}).initialStd).toBe(1);
    // sigma is 1 at time 0, so the variance is 2 * 1 * 0.32.
    expect(sde({ method: 'heun' }).initialStd).toBeCloseTo(Math.sqrt(1.64), 14);
  });

  it('refuses a drift that is infinite where it starts or ends', () => {
    for (const path of ['linear', 'gvp']) {
      for (const diffusion of ['constant', 'sigma']) {
        const whole = { path, diffusion, lastStep: 'none' };
        expect(() => sde({ ...whole, method: 'heun' })).toThrow(NonFiniteError);
        expect(sde({ ...whole, method: 'euler' }).steps).toHaveLength(3);
      }
    }
    expect(() => sde({ diffusion: 'sbdm' })).toThrow(NonFiniteError);
    expect(sde({ diffusion: 'sbdm', start: 0.01 }).steps).toHaveLength(4);
  });
});

describe('options', () => {
  it('are recorded', () => {
    expect(ode({ path: 'gvp', method: 'heun' })).toMatchObject({
      sampler: 'sit-ode-heun',
      prediction: 'velocity',
      settings: { path: 'gvp', steps: 4, start: 0, stop: 1 },
    });
    expect(sde({ lastStep: 'none' })).toMatchObject({
      sampler: 'sit-sde-euler',
      settings: { diffusion: 'sigma', diffusionNorm: 1, lastStep: 'none', lastStepSize: null },
    });
  });

  it.each([
    { steps: 0 },
    { path: 'vp' },
    { method: 'dopri5' },
    { start: 1 },
    { start: -0.1 },
    { stop: 1.1 },
    { start: 0.5, stop: 0.5 },
    { start: Number.NaN },
  ])('of the ODE refuse %j', (options) => {
    expect(() => ode(options)).toThrow(InvalidArgumentError);
  });

  it.each([
    { steps: 1 },
    { steps: 2.5 },
    { path: 'vp' },
    { method: 'rk4' },
    { diffusion: 'SBDM' },
    { diffusionNorm: -1 },
    { diffusionNorm: Number.POSITIVE_INFINITY },
    { lastStep: 'Mean' },
    { lastStepSize: 0 },
    { lastStepSize: 1 },
    { start: 0.97 },
  ])('of the SDE refuse %j', (options) => {
    expect(() => sde(options)).toThrow(InvalidArgumentError);
  });
});
