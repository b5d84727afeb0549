import { readFileSync } from 'node:fs';
import type { Prediction, SamplerPlan } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { runPlan } from './__fixtures__/run-plan.js';
import { createDdimPlan } from './diffusion/ddim-plan.js';
import { createDdpmPlan, type DdpmVariance } from './diffusion/ddpm-plan.js';
import {
  createNoiseSchedule,
  type NoiseScheduleName,
  rescaleToZeroTerminalSnr,
} from './schedules/noise-schedule.js';

interface TrajectoryCase {
  readonly sampler: 'ddim' | 'ddpm';
  readonly schedule: NoiseScheduleName;
  readonly prediction: Prediction;
  readonly clip: boolean;
  readonly zeroTerminalSnr?: boolean;
  readonly respacing?: string;
  readonly timesteps?: readonly number[];
  readonly eta?: number;
  readonly variance?: DdpmVariance;
  readonly latents: readonly (readonly number[])[];
}

const { denoiser, latent, noise, cases } = JSON.parse(
  readFileSync(new URL('./__fixtures__/trajectories.json', import.meta.url), 'utf8'),
) as {
  denoiser: Record<'a' | 'b' | 'c' | 'd', readonly number[]>;
  latent: readonly number[];
  noise: readonly (readonly number[])[];
  cases: readonly TrajectoryCase[];
};

function planOf(one: TrajectoryCase): SamplerPlan {
  const named = createNoiseSchedule({ name: one.schedule });
  const options = {
    schedule: one.zeroTerminalSnr ? rescaleToZeroTerminalSnr(named) : named,
    prediction: one.prediction,
    ...(one.timesteps ? { timesteps: one.timesteps } : { steps: one.respacing ?? '' }),
    ...(one.clip && { clip: { min: -1, max: 1 } }),
  };
  if (one.sampler === 'ddim') return createDdimPlan({ ...options, eta: one.eta ?? 0 });
  return createDdpmPlan({ ...options, variance: one.variance ?? 'learned-range' });
}

/** tanh(a x + b t / 1000) for the mean, then tanh(c x + d t / 1000) for the learned variance. */
function model(x: readonly number[], timestep: number): number[] {
  const half = (slope: readonly number[], shift: readonly number[]) =>
    x.map((value, i) => Math.tanh((slope[i] ?? 0) * value + ((shift[i] ?? 0) * timestep) / 1000));
  return [...half(denoiser.a, denoiser.b), ...half(denoiser.c, denoiser.d)];
}

function titleOf({ latents: _, timesteps, ...settings }: TrajectoryCase): string {
  return [...Object.values(settings).filter((value) => value !== false), timesteps?.length].join(
    ' ',
  );
}

describe('every latent of a whole run equals the reference, float64, 1e-12 of the largest', () => {
  it.each(cases.map((one) => [titleOf(one), one] as const))('%s', (_, one) => {
    const latents = runPlan({ plan: planOf(one), latent, model, noise }).flat();
    const expected = one.latents.flat();
    const errors = latents.map((value, i) => Math.abs(value - (expected[i] as number)));
    expect(latents).toHaveLength(expected.length);
    expect(Math.max(...errors)).toBeLessThan(1e-12 * Math.max(...expected.map(Math.abs)));
  });
});
