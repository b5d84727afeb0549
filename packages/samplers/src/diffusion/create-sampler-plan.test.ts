import {
  InvalidArgumentError,
  NonFiniteError,
  type Prediction,
  parseSamplerPlan,
  type SamplerPlan,
} from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createNoiseSchedule,
  createSquaredCosineSchedule,
  rescaleToZeroTerminalSnr,
} from '../schedules/noise-schedule.js';
import { createSamplerPlan, type PlanOptions } from './create-sampler-plan.js';
import { createDdimPlan } from './ddim-plan.js';
import { createDdpmPlan, type DdpmVariance } from './ddpm-plan.js';

const steps = fc.oneof(
  fc.integer({ min: 1, max: 100 }),
  fc.constantFrom('', 'ddim20', '10,10,5', '7'),
  fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
);
const clip = fc.record({
  min: fc.double({ min: -9, max: -0.1, noNaN: true }),
  max: fc.double({ min: 0.1, max: 9, noNaN: true }),
});
const schedule = fc
  .constantFrom('linear' as const, 'scaled-linear' as const, 'squared-cosine' as const)
  .map((name) => createNoiseSchedule({ name, length: 200 }));
const options: fc.Arbitrary<PlanOptions> = fc.record(
  {
    steps,
    schedule,
    clip,
    prediction: fc.constantFrom<Prediction>('epsilon', 'sample', 'velocity'),
  },
  { requiredKeys: ['steps'] },
);
const terminal = fc.record({
  steps: fc.integer({ min: 1, max: 100 }),
  schedule: schedule.map(rescaleToZeroTerminalSnr),
  prediction: fc.constantFrom<Prediction>('sample', 'velocity'),
});
const variances = fc.constantFrom<DdpmVariance>('fixed-small', 'fixed-large', 'learned-range');
const plans: fc.Arbitrary<SamplerPlan> = fc.oneof(
  fc
    .tuple(fc.oneof(options, terminal), fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([common, eta]) => createDdimPlan({ ...common, eta })),
  fc
    .tuple(fc.oneof(options, terminal), variances)
    .map(([common, variance]) => createDdpmPlan({ ...common, variance })),
);

describe('every plan', () => {
  it('is plain JSON, to the last bit, and passes the format check of core', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const text = JSON.stringify(plan);
        expect(JSON.parse(text)).toStrictEqual(plan);
        expect(parseSamplerPlan(text)).toStrictEqual(plan);
      }),
      { numRuns: 60 },
    );
  });

  it('falls in time, ends without noise and on the predicted sample', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const times = plan.steps.map(({ timestep }) => timestep);
        expect(times).toEqual([...new Set(times)].sort((a, b) => b - a));
        const { carry, history, noise } = plan.steps.at(-1) as (typeof plan.steps)[number];
        expect(carry).toBe(0);
        expect(history[0]).toBeCloseTo(1, 10);
        expect(noise.kind === 'fixed' ? noise.std : noise.scale).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('settings', () => {
  it('hold everything that the plan was made from', () => {
    const plan = createDdimPlan({
      schedule: rescaleToZeroTerminalSnr(createSquaredCosineSchedule({ length: 500 })),
      steps: [10, 10, 5],
      prediction: 'velocity',
      clip: { min: -1, max: 2 },
    });
    expect(plan.settings).toEqual({
      schedule: 'squared-cosine',
      'schedule.length': 500,
      'schedule.maxBeta': 0.999,
      'schedule.zeroTerminalSnr': true,
      spacing: 'guided-diffusion',
      steps: '10,10,5',
      clipMin: -1,
      clipMax: 2,
      eta: 0,
    });
  });

  it('tell spacings and explicit timesteps apart', () => {
    const even = createDdimPlan({ steps: 20, spacing: 'linspace' }).settings;
    expect(even).toMatchObject({ spacing: 'linspace', steps: 20, clipMin: null, clipMax: null });
    const explicit = createDdimPlan({ timesteps: [0, 400, 999] }).settings;
    expect(explicit).toMatchObject({ spacing: 'explicit', steps: 3 });
  });
});

describe('clip', () => {
  it('is copied into every step, and absent if not asked for', () => {
    const clipped = createDdimPlan({ steps: 3, clip: { min: -1, max: 1 } });
    expect(clipped.steps.map((step) => step.clip)).toEqual(Array(3).fill({ min: -1, max: 1 }));
    expect(createDdimPlan({ steps: 3 }).steps.some((step) => 'clip' in step)).toBe(false);
  });

  it.each([
    { min: 1, max: 1 },
    { min: 1, max: -1 },
    { min: Number.NaN, max: 1 },
    { min: -1, max: Number.POSITIVE_INFINITY },
  ])('refuses %j', (range) => {
    expect(() => createDdimPlan({ steps: 3, clip: range })).toThrow(InvalidArgumentError);
  });
});

it('refuses an invalid schedule', () => {
  const betas = [0.1, Number.NaN];
  expect(() =>
    createDdimPlan({ schedule: { name: 'mine', settings: {}, betas }, steps: 2 }),
  ).toThrow('schedule.betas[1] is NaN');
});

it('refuses an update rule that gives NaN or infinity, with the step', () => {
  const create = (carry: number, history: number, std: number) => () =>
    createSamplerPlan({
      sampler: 'broken',
      options: { steps: 4 },
      settings: {},
      update: (_, index) => ({
        carry: index === 2 ? carry : 0,
        history: [index === 2 ? history : 1],
        noise: { kind: 'fixed', std: index === 2 ? std : 0 },
      }),
    });
  expect(create(Number.NaN, 1, 0)).toThrow(NonFiniteError);
  expect(create(0, Number.NEGATIVE_INFINITY, 0)).toThrow('at step 2');
  expect(create(0, 1, Number.NaN)).toThrow(NonFiniteError);
  expect(create(0, 1, 0)).not.toThrow();
});

it('refuses an update rule that reads predictions not yet made', () => {
  const create = (depth: number) => () =>
    createSamplerPlan({
      sampler: 'broken',
      options: { steps: 4 },
      settings: {},
      update: () => ({
        carry: 0,
        history: Array(depth).fill(0.5),
        noise: { kind: 'fixed', std: 0 },
      }),
    });
  expect(create(2)).toThrow('history of step 0 is [0.5,0.5]; expected 1 to 1 factors');
  expect(create(0)).toThrow(InvalidArgumentError);
  expect(create(1)).not.toThrow();
});
