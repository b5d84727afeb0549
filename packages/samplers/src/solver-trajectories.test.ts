import { readFileSync } from 'node:fs';
import type { SamplerPlan } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { runPlan } from './__fixtures__/run-plan.js';
import { createDdimPlan } from './diffusion/ddim-plan.js';
import { createFlowEulerPlan, createFlowHeunPlan } from './flow/flow-plans.js';
import {
  createNoiseSchedule,
  type NoiseScheduleName,
  rescaleToZeroTerminalSnr,
} from './schedules/noise-schedule.js';
import { createDpmSolverPlan } from './solvers/dpm-solver-plan.js';
import { createDpmSolverSinglestepPlan } from './solvers/dpm-solver-singlestep-plan.js';
import { createSaSolverPlan, tauBetween } from './solvers/sa-solver-plan.js';
import { createUniPcPlan } from './solvers/unipc-plan.js';

// Options are of the plan function that `sampler` names, with the schedule by name.
interface SolverCase {
  readonly sampler: keyof typeof creators;
  readonly options: { readonly schedule?: NoiseScheduleName; readonly zeroTerminalSnr?: boolean };
  readonly precision?: 'float32';
  readonly tau?: { readonly from: number; readonly to: number; readonly value?: number };
  readonly timesteps: readonly number[];
  readonly latents: readonly (readonly number[])[];
}

const creators = {
  ddim: createDdimPlan,
  dpm: createDpmSolverPlan,
  singlestep: createDpmSolverSinglestepPlan,
  unipc: createUniPcPlan,
  sa: createSaSolverPlan,
  'flow-euler': createFlowEulerPlan,
  'flow-heun': createFlowHeunPlan,
};

const { denoiser, latent, noise, cases } = JSON.parse(
  readFileSync(new URL('./__fixtures__/solvers.json', import.meta.url), 'utf8'),
) as {
  denoiser: Record<'a' | 'b', readonly number[]>;
  latent: readonly number[];
  noise: readonly (readonly number[])[];
  cases: readonly SolverCase[];
};

function planOf({ sampler, options, tau }: SolverCase): SamplerPlan {
  const { schedule: name = 'linear', zeroTerminalSnr, ...rest } = options;
  const named = createNoiseSchedule({ name });
  const schedule = zeroTerminalSnr ? rescaleToZeroTerminalSnr(named) : named;
  const isFlow = sampler.startsWith('flow-') || 'flow' in rest;
  const create = creators[sampler] as (options: object) => SamplerPlan;
  return create({ ...rest, ...(!isFlow && { schedule }), ...(tau && { tau: tauBetween(tau) }) });
}

/** tanh(a x + b t / 1000) */
function model(x: readonly number[], timestep: number): number[] {
  const { a, b } = denoiser;
  return x.map((value, i) =>
    Math.tanh((a[i] as number) * value + ((b[i] as number) * timestep) / 1000),
  );
}

function titleOf({ options, tau, precision }: SolverCase): string {
  return [JSON.stringify(options), tau && `tau ${JSON.stringify(tau)}`, precision]
    .filter(Boolean)
    .join(' ');
}

/** Largest error over a whole trajectory, as a share of its largest latent. */
function trajectoryError(one: SolverCase): number {
  const latents = runPlan({ plan: planOf(one), latent, model, noise }).flat();
  const expected = one.latents.flat();
  expect(latents).toHaveLength(expected.length);
  const errors = latents.map((value, i) => Math.abs(value - (expected[i] as number)));
  return Math.max(...errors) / Math.max(...expected.map(Math.abs));
}

describe.each(Object.keys(creators))('%s: parity with diffusers over whole runs', (sampler) => {
  const own = cases.filter((one) => one.sampler === sampler);

  it.each(own.map((one) => [titleOf(one), one] as const))('%s', (_, one) => {
    const timesteps = planOf(one).steps.map(({ timestep }) => timestep);
    expect(timesteps).toHaveLength(one.timesteps.length);
    const [ofTime, ofLatent] = one.precision === 'float32' ? [1e-4, 1e-5] : [1e-9, 1e-12];
    timesteps.forEach((timestep, i) => {
      expect(Math.abs(timestep - (one.timesteps[i] as number))).toBeLessThan(ofTime);
    });
    expect(trajectoryError(one)).toBeLessThan(ofLatent);
  });
});
