import { IncompatibleError, type RouterFile, type SamplerPlan } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { branchesOf, specOf } from '../__fixtures__/branches.js';
import { router as anyRouter } from '../__fixtures__/provenance.js';
import { assertCompatible } from './compatibility.js';
import { createProvenance, type RunSetting } from './provenance.js';
import { toSchedule } from './schedule.js';

const plan: SamplerPlan = {
  version: 1,
  sampler: 'ddim',
  prediction: 'epsilon',
  settings: { eta: 0 },
  initialStd: 1,
  steps: [600, 300, 0].map((timestep) => ({
    timestep,
    toPrediction: { x: 0, model: 1 },
    carry: 0.9,
    history: [-0.1],
    noise: { kind: 'fixed', std: 0 },
  })),
};
const run: RunSetting = {
  spec: specOf(branchesOf(2)),
  modelSha256: 'a'.repeat(64),
  plan,
  guidance: { scale: 1.5, channels: 4 },
};
const router: RouterFile = { ...anyRouter, provenance: createProvenance(run) };

function refusal(document: Parameters<typeof assertCompatible>[0], setting: RunSetting) {
  try {
    assertCompatible(document, setting);
  } catch (error) {
    if (error instanceof IncompatibleError) return error.message;
  }
  return 'accepted';
}

describe('assertCompatible', () => {
  it('accepts the run that a router or its schedule was made for', () => {
    expect(refusal(router, run)).toBe('accepted');
    expect(refusal(toSchedule(router), run)).toBe('accepted');
  });

  it('lets the same plan by another setting through, and not another plan', () => {
    expect(refusal(router, { ...run, plan: { ...plan, settings: {} } })).toBe('accepted');
  });

  it.each<[string, Partial<RunSetting>, string]>([
    [
      'branches',
      { spec: specOf(branchesOf(3)) },
      "The router's number of branches is 4; expected 6. Use a router made for fake.",
    ],
    [
      'steps',
      { plan: { ...plan, steps: plan.steps.slice(1) } },
      "The router's number of steps is 3; expected 2. Sample with 3 steps, or use a router made for 2.",
    ],
    [
      'latent size',
      { spec: { ...run.spec, latent: { height: 8, width: 8, channels: 4 } } },
      'The latent size that the router was made for is "4 x 4 x 4"; expected "8 x 8 x 4". ' +
        'Sample at 4 x 4 x 4, or use a router made for this run.',
    ],
    [
      'model',
      { modelSha256: 'c'.repeat(64) },
      `The model that the router was made for, by the SHA-256 of its weights, is "${'a'.repeat(64)}"; ` +
        `expected "${'c'.repeat(64)}". It was made for fake: load those weights, ` +
        'or use a router made for this run.',
    ],
    [
      'sampler',
      { plan: { ...plan, sampler: 'ddpm' } },
      'The sampler that the router was made for is "ddim"; expected "ddpm". ' +
        'Sample with ddim, or use a router made for this run.',
    ],
    [
      'guidance scale',
      { guidance: { scale: 4, channels: 4 } },
      'The guidance scale that the router was made for is 1.5; expected 4. ' +
        'Sample with a guidance scale of 1.5, or use a router made for this run.',
    ],
    [
      'guided channels, three by default',
      { guidance: { scale: 1.5 } },
      'The number of guided channels that the router was made for is 4; expected 3. ' +
        'Guide 4 channels, or use a router made for this run.',
    ],
    [
      'no guidance',
      { guidance: undefined },
      'The guidance scale that the router was made for is 1.5; expected 1. ' +
        'Sample with a guidance scale of 1.5, or use a router made for this run.',
    ],
  ])('says what differs and what to do: %s', (_name, difference, message) => {
    expect(refusal(router, { ...run, ...difference })).toBe(message);
  });

  it('tells plans of one sampler apart by what they compute', () => {
    const [first, ...rest] = plan.steps;
    const steps = [{ ...(first as (typeof plan.steps)[0]), timestep: 599 }, ...rest];
    expect(refusal(router, { ...run, plan: { ...plan, steps } })).toContain(
      'The sampler plan that the router was made for, by its fingerprint, is',
    );
  });

  it('does not care how many channels are guided with a scale of 1', () => {
    const unguided = createProvenance({ ...run, guidance: { scale: 1, channels: 4 } });
    const setting = { ...run, guidance: undefined };
    expect(refusal({ ...router, provenance: unguided }, setting)).toBe('accepted');
  });

  it('checks only the size of a schedule without provenance', () => {
    const { provenance: _, ...schedule } = toSchedule(router);
    expect(refusal(schedule, { ...run, modelSha256: 'c'.repeat(64) })).toBe('accepted');
    expect(refusal(schedule, { ...run, spec: specOf(branchesOf(1)) })).toContain('The schedule');
  });
});
