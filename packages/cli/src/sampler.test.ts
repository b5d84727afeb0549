import { planFingerprint } from '@harmonica/core';
import { createDdimPlan, createDdpmPlan } from '@harmonica/samplers';
import { describe, expect, it } from 'vitest';
import { createPlan, SAMPLER_NAMES, samplerOf } from './sampler.js';

describe('createPlan', () => {
  it('is DDIM with 20 steps by default', () => {
    expect(createPlan({}).steps).toEqual(createDdimPlan({ steps: 20 }).steps);
  });

  it('passes every option on', () => {
    const plan = createPlan({ steps: 'ddim10', eta: 0.5, schedule: 'squared-cosine' });
    expect(plan.settings).toMatchObject({ steps: 'ddim10', eta: 0.5, schedule: 'squared-cosine' });
    expect(createPlan({ steps: '21', spacing: 'even' }).settings.spacing).toBe('even');
  });

  it('has a fixed variance for ddpm and the learned one for iddpm', () => {
    const fixed = createDdpmPlan({ steps: 5, variance: 'fixed-large' });
    const learned = createDdpmPlan({ steps: 5, variance: 'learned-range' });
    expect(createPlan({ sampler: 'ddpm', steps: '5' }).steps).toEqual(fixed.steps);
    expect(createPlan({ sampler: 'iddpm', steps: '5' }).steps).toEqual(learned.steps);
  });
});

describe('samplerOf', () => {
  it.each(SAMPLER_NAMES)('recognises %s by its plan', (sampler) => {
    const plan = createPlan({ sampler, steps: '7' });
    const made = { name: plan.sampler, steps: 7, planSha256: planFingerprint(plan) };
    expect(samplerOf({ sampler: made })).toBe(sampler);
  });
});
