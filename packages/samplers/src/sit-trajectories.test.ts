import { readFileSync } from 'node:fs';
import type { SamplerPlan } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { runPlan } from './__fixtures__/run-plan.js';
import { createSitOdePlan, type SitOdePlanOptions } from './sit/sit-ode-plan.js';
import { createSitSdePlan, type SitSdePlanOptions } from './sit/sit-sde-plan.js';

type Vector = readonly number[];
interface SitCase<Options> {
  readonly options: Options;
  /** After every step of the method, before the noise of the next. */
  readonly latents: readonly Vector[];
}

const { denoiser, latent, noise, ode, sde } = JSON.parse(
  readFileSync(new URL('./__fixtures__/sit.json', import.meta.url), 'utf8'),
) as {
  denoiser: Record<'a' | 'b', Vector>;
  latent: Vector;
  noise: readonly Vector[];
  ode: readonly SitCase<SitOdePlanOptions>[];
  sde: readonly SitCase<SitSdePlanOptions>[];
};

/** tanh(a x + b t) */
function model(x: Vector, time: number): number[] {
  const { a, b } = denoiser;
  return x.map((value, i) => Math.tanh((a[i] as number) * value + (b[i] as number) * time));
}

function expectClose(latents: readonly Vector[], expected: readonly Vector[]): void {
  const [actual, wanted] = [latents.flat(), expected.flat()];
  expect(actual).toHaveLength(wanted.length);
  const errors = actual.map((value, i) => Math.abs(value - (wanted[i] as number)));
  expect(Math.max(...errors)).toBeLessThan(1e-12 * Math.max(...wanted.map(Math.abs)));
}

function stdOf(plan: SamplerPlan, step: number): number {
  const added = plan.steps[step]?.noise;
  return added?.kind === 'fixed' ? added.std : Number.NaN;
}

const titled = <T>(cases: readonly SitCase<T>[]) =>
  cases.map((one) => [JSON.stringify(one.options), one] as const);

describe('parity with the official SiT, float64, 1e-12 of the largest latent', () => {
  it.each(titled(ode))('ODE %s', (_, { options, latents: expected }) => {
    const states = runPlan({ plan: createSitOdePlan(options), latent, model });
    const stages = options.method === 'heun' ? 2 : 1;
    expectClose(
      states.filter((_, i) => (i + 1) % stages === 0),
      expected,
    );
  });

  const euler = sde.filter(({ options }) => options.method === 'euler');
  it.each(titled(euler))('SDE %s', (_, { options, latents: expected }) => {
    const states = runPlan({ plan: createSitSdePlan(options), latent, model, noise });
    // Without a last step the official code repeats the state before it.
    expectClose(states, options.lastStep === 'none' ? expected.slice(0, -1) : expected);
  });

  const heun = sde.filter(({ options }) => options.method === 'heun');
  it.each(titled(heun))('SDE %s', (_, { options, latents: expected }) => {
    const plan = createSitSdePlan(options);
    // The noise of the first step is in the initial latent, that of every other in the step before it.
    const firstStd = Math.sqrt(plan.initialStd ** 2 - 1);
    const noisy = latent.map((x, i) => x + firstStd * (noise[0]?.[i] as number));
    const perStep = plan.steps.map((_, n) => noise[(n + 1) / 2] ?? latent.map(() => 0));
    const states = runPlan({ plan, latent: noisy, model, noise: perStep });
    const clean = states.map((state, n) =>
      state.map((x, i) => x - stdOf(plan, n) * (perStep[n]?.[i] as number)),
    );
    const last = clean.length - 1;
    expectClose(
      clean.filter((_, n) => n % 2 === 1 || n === last),
      expected,
    );
  });
});
