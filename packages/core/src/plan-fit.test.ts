import { describe, expect, it } from 'vitest';
import type { NoiseProcess } from './backbone.js';
import { IncompatibleError } from './errors.js';
import { assertPlanFits } from './sampler-plan.js';

const fit = (ofPlan?: NoiseProcess, ofModel?: NoiseProcess) => () =>
  assertPlanFits({
    plan: { sampler: 'euler', prediction: 'velocity', ...(ofPlan && { process: ofPlan }) },
    spec: { name: 'model', prediction: 'velocity', ...(ofModel && { process: ofModel }) },
  });
const processes: readonly NoiseProcess[] = ['diffusion', 'flow', 'sit'];

describe('assertPlanFits', () => {
  it('takes plans and models of the same process; without a word it is diffusion', () => {
    for (const process of processes) expect(fit(process, process)).not.toThrow();
    expect(fit()).not.toThrow();
    expect(fit(undefined, 'diffusion')).not.toThrow();
    expect(fit('diffusion', undefined)).not.toThrow();
  });

  it('tells velocities of different processes apart', () => {
    for (const plan of processes) {
      for (const model of processes.filter((other) => other !== plan)) {
        expect(fit(plan, model)).toThrowError(IncompatibleError);
      }
    }
    expect(fit('flow', 'sit')).toThrowError(
      'The noise process of the euler plan is "flow"; expected "sit". ' +
        'model takes the plans of createSitOdePlan or createSitSdePlan.',
    );
    expect(fit(undefined, 'flow')).toThrowError(/is "diffusion"; expected "flow"/);
  });

  it('refuses another prediction', () => {
    const plan = { sampler: 'ddim', prediction: 'sample' } as const;
    const spec = { name: 'model', prediction: 'epsilon' } as const;
    expect(() => assertPlanFits({ plan, spec })).toThrowError(/prediction: 'epsilon' for model/);
  });
});
