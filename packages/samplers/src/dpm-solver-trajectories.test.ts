import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runPlan } from './__fixtures__/run-plan.js';
import { createDpmSolverPlan, type DpmSolverPlanOptions } from './solvers/dpm-solver-plan.js';
import {
  createDpmSolverSinglestepPlan,
  type DpmSolverSinglestepPlanOptions,
} from './solvers/dpm-solver-singlestep-plan.js';

type Vector = readonly number[];
interface OfficialCase<Options> {
  readonly options: Options;
  /** Multistep: after every step; singlestep: after every group of steps. */
  readonly latents: readonly Vector[];
}

const { denoiser, latent, multistep, singlestep } = JSON.parse(
  readFileSync(new URL('./__fixtures__/dpm-solver.json', import.meta.url), 'utf8'),
) as {
  denoiser: Record<'a' | 'b', Vector>;
  latent: Vector;
  multistep: readonly OfficialCase<DpmSolverPlanOptions>[];
  singlestep: readonly OfficialCase<DpmSolverSinglestepPlanOptions>[];
};

/** The official time steps. */
const uniform = { spacing: 'continuous', finalSigma: 'min' } as const;

/** tanh(a x + b t / 1000) */
function model(x: Vector, timestep: number): number[] {
  const { a, b } = denoiser;
  return x.map((value, i) =>
    Math.tanh((a[i] as number) * value + ((b[i] as number) * timestep) / 1000),
  );
}

function expectClose(latents: readonly Vector[], expected: readonly Vector[]): void {
  const [actual, wanted] = [latents.flat(), expected.flat()];
  expect(actual).toHaveLength(wanted.length);
  const errors = actual.map((value, i) => Math.abs(value - (wanted[i] as number)));
  // Their time runs from 1 to 1 / 1000 in float64, which leaves 13 digits of a timestep.
  expect(Math.max(...errors)).toBeLessThan(1e-11 * Math.max(...wanted.map(Math.abs)));
}

const titled = <T>(cases: readonly OfficialCase<T>[]) =>
  cases.map((one) => [JSON.stringify(one.options), one] as const);

describe('parity with the official DPM-Solver, float64, 1e-11 of the largest latent', () => {
  it.each(titled(multistep))('multistep %s', (_, { options, latents }) => {
    const plan = createDpmSolverPlan({ ...options, ...uniform } as DpmSolverPlanOptions);
    expectClose(runPlan({ plan, latent, model }), latents);
  });

  it.each(titled(singlestep))('singlestep %s', (_, { options, latents }) => {
    const all = { ...options, ...uniform } as DpmSolverSinglestepPlanOptions;
    const plan = createDpmSolverSinglestepPlan(all);
    const states = runPlan({ plan, latent, model });
    // A group ends where the next step, if any, starts anew.
    const ends = states.filter((_, n) => (plan.steps[n + 1]?.history.length ?? 1) === 1);
    expectClose(ends, latents);
  });
});
