import type { SamplerPlan } from '@harmonica/core';
import { expect, it } from 'vitest';
import { runPlan } from './__fixtures__/run-plan.js';
import { createSamplerPlan, type PlanOptions } from './create-sampler-plan.js';
import { createDdimPlan } from './ddim-plan.js';
import type { NoiseLevel } from './noise-level.js';
import { alphaBars, type NoiseSchedule } from './noise-schedule.js';

// Data drawn from N(MEAN, STD^2): the best denoiser is linear, and the probability flow keeps the standardised latent.
const MEAN = 0.8;
const STD = 0.5;
const START = 1.3;

/** `steps` noise levels, evenly spaced in the log signal-to-noise ratio ln(alpha / sigma) from 3 down to -4. */
function logSnrSchedule(steps: number): NoiseSchedule {
  const levels = Array.from({ length: steps }, (_, t) => {
    const logSnr = 3 - (7 * t) / (steps - 1);
    return 1 / (1 + Math.exp(-2 * logSnr));
  });
  const betas = levels.map((alphaBar, t) => 1 - alphaBar / (levels[t - 1] ?? 1));
  return { name: 'log-snr', settings: {}, betas };
}

function denoise(x: number, alphaBar: number): number {
  const gain = (Math.sqrt(alphaBar) * STD ** 2) / (alphaBar * STD ** 2 + 1 - alphaBar);
  return MEAN + gain * (x - Math.sqrt(alphaBar) * MEAN);
}

function flow(x: number, from: number, to: number): number {
  const std = (alphaBar: number) => Math.sqrt(alphaBar * STD ** 2 + 1 - alphaBar);
  return Math.sqrt(to) * MEAN + (std(to) / std(from)) * (x - Math.sqrt(from) * MEAN);
}

/** Error at the least noisy level, where the last step starts. */
function errorOf(createPlan: (options: PlanOptions) => SamplerPlan, steps: number): number {
  const schedule = logSnrSchedule(steps);
  const levels = alphaBars(schedule.betas);
  const plan = createPlan({ schedule, steps: '', prediction: 'sample' });
  const model = (x: readonly number[], t: number) => [denoise(x[0] as number, levels[t] as number)];
  const [reached] = runPlan({ plan, latent: [START], model }).at(-2) as readonly number[];
  const exact = flow(START, levels.at(-1) as number, levels[0] as number);
  return Math.abs((reached as number) - exact);
}

function orderOf(createPlan: (options: PlanOptions) => SamplerPlan): number {
  return Math.log2(errorOf(createPlan, 161) / errorOf(createPlan, 321));
}

it('DDIM is of first order', () => {
  expect(orderOf(createDdimPlan)).toBeCloseTo(1, 1);
  expect(errorOf(createDdimPlan, 321)).toBeLessThan(0.01);
});

it('a second-order multistep method fits the same seam', () => {
  expect(orderOf(createTwoStepPlan)).toBeCloseTo(2, 1);
  expect(errorOf(createTwoStepPlan, 321)).toBeLessThan(1e-4);
});

/** DPM-Solver++(2M), Lu et al. (2022), Algorithm 2: a sampler that is not in this package, to show what one takes. */
function createTwoStepPlan(options: PlanOptions): SamplerPlan {
  return createSamplerPlan({
    sampler: 'two-step',
    options,
    settings: {},
    update: (level, index, levels) => {
      const before = levels[index - 1];
      const { carry, gain, width } = exponentialStep(level);
      const slope =
        before && level.alphaBarAfter < 1 ? width / exponentialStep(before).width / 2 : 0;
      const history = slope ? [gain * (1 + slope), -gain * slope] : [gain];
      return { carry, history, noise: { kind: 'fixed', std: 0 } };
    },
  });
}

function exponentialStep({ alphaBar, alphaBarAfter }: NoiseLevel) {
  const carry = Math.sqrt((1 - alphaBarAfter) / (1 - alphaBar));
  const gain = Math.sqrt(alphaBarAfter) - carry * Math.sqrt(alphaBar);
  const logSnr = (share: number) => Math.log(share / (1 - share)) / 2;
  return { carry, gain, width: logSnr(alphaBarAfter) - logSnr(alphaBar) };
}
