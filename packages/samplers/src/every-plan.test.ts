import '@tensorflow/tfjs-backend-cpu';
import {
  executePlan,
  type NoiseSource,
  type Prediction,
  parseSamplerPlan,
  planFingerprint,
  type SamplerPlan,
} from '@harmonica/core';
import { type Tensor4D, tanh, tensor4d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { runPlan } from './__fixtures__/run-plan.js';
import { createDdimPlan } from './diffusion/ddim-plan.js';
import { createDdpmPlan } from './diffusion/ddpm-plan.js';
import { createFlowEulerPlan, createFlowHeunPlan } from './flow/flow-plans.js';
import { createSitOdePlan } from './sit/sit-ode-plan.js';
import { createSitSdePlan } from './sit/sit-sde-plan.js';
import { createDpmSolverPlan } from './solvers/dpm-solver-plan.js';
import { createDpmSolverSinglestepPlan } from './solvers/dpm-solver-singlestep-plan.js';
import { createSaSolverPlan } from './solvers/sa-solver-plan.js';
import { createUniPcPlan } from './solvers/unipc-plan.js';

const threshold = { ratio: 0.9, max: 2 };
const sample = { prediction: 'sample' } as const;

/** One plan or more of every sampler, for models that predict samples unless the name says otherwise. */
const plans: Record<string, SamplerPlan> = {
  'DDIM, eta 0.5': createDdimPlan({ steps: 12, eta: 0.5, ...sample }),
  'DDIM, velocity': createDdimPlan({ steps: 12, spacing: 'trailing', prediction: 'velocity' }),
  DDPM: createDdpmPlan({ steps: 12, variance: 'fixed-small', threshold, ...sample }),
  'DPM-Solver++(2M)': createDpmSolverPlan({ steps: 12, ...sample }),
  'DPM-Solver++(3M), clipped': createDpmSolverPlan({
    steps: 12,
    order: 3,
    clip: { min: -0.9, max: 0.9 },
    ...sample,
  }),
  'DPM-Solver(2M), noise': createDpmSolverPlan({
    steps: 12,
    algorithm: 'dpm-solver',
    sigmaSpacing: 'karras',
  }),
  'SDE-DPM-Solver++(2M)': createDpmSolverPlan({
    steps: 12,
    algorithm: 'sde-dpm-solver++',
    threshold,
    ...sample,
  }),
  'SDE-DPM-Solver++(3S)': createDpmSolverSinglestepPlan({
    steps: 12,
    order: 3,
    algorithm: 'sde-dpm-solver++',
    ...sample,
  }),
  'DPM-Solver-3, velocity': createDpmSolverSinglestepPlan({
    steps: 12,
    order: 3,
    algorithm: 'dpm-solver',
    solver: 'paper',
    prediction: 'velocity',
  }),
  'UniPC 3': createUniPcPlan({ steps: 12, order: 3, ...sample }),
  'SA-Solver': createSaSolverPlan({ steps: 12, predictorOrder: 3, correctorOrder: 4, ...sample }),
  'flow, Euler': createFlowEulerPlan({ steps: 12, shift: 3 }),
  'flow, Euler, stochastic': createFlowEulerPlan({ steps: 12, stochastic: true, threshold }),
  'flow, Heun': createFlowHeunPlan({ steps: 12, dynamicShift: { tokens: 1024 } }),
  'flow, UniPC': createUniPcPlan({ steps: 12, flow: { shift: 3 } }),
  'SiT, Heun': createSitOdePlan({ steps: 12, path: 'gvp', method: 'heun' }),
  'SiT, SDE': createSitSdePlan({ steps: 12 }),
  'SiT, SDE, Heun': createSitSdePlan({ steps: 12, method: 'heun', path: 'gvp' }),
};
const named = Object.entries(plans);

const SHAPE: [number, number, number, number] = [1, 1, 2, 2];
const LATENT = [0.3, -1.4, 2.1, 0.7];
const draws = Array.from({ length: 40 }, (_, n) => LATENT.map((_, i) => Math.sin(9 * n + 5 * i)));
const noise: NoiseSource = {
  initial: () => tensor4d(LATENT, SHAPE),
  step: (index) => tensor4d(draws[index] as number[], SHAPE),
};

it.each(named)('%s is plain JSON to the last bit and passes the format check', (_, plan) => {
  const text = JSON.stringify(plan);
  expect(JSON.parse(text)).toStrictEqual(plan);
  expect(parseSamplerPlan(text)).toStrictEqual(plan);
});

it.each(named)('%s runs the same in float32 on tensors', async (_, plan) => {
  const tensors: number[][] = [];
  const result = await executePlan({
    plan,
    denoise: async (x) => tidy(() => tanh(x) as Tensor4D),
    latent: tensor4d(LATENT, SHAPE),
    noise,
    onStep: ({ latent }) => {
      tensors.push(Array.from(latent.dataSync()));
    },
  });
  result.dispose();
  const model = (x: readonly number[]) => x.map(Math.tanh);
  const states = runPlan({ plan, latent: LATENT, model, noise: draws });
  const [actual, expected] = [tensors.flat(), states.flat()];
  expect(actual).toHaveLength(expected.length);
  const errors = actual.map((value, i) => Math.abs(value - (expected[i] as number)));
  expect(Math.max(...errors)).toBeLessThan(1e-5 * Math.max(...expected.map(Math.abs)));
});

it.each(named)('%s says which noise process it follows, if it is no diffusion', (name, plan) => {
  const [, process] = /^(flow|SiT),/.exec(name) ?? [];
  expect(plan.process).toBe(process?.toLowerCase());
});

it('no two plans have the same fingerprint', () => {
  const prints = named.map(([, plan]) => planFingerprint(plan));
  expect(new Set(prints).size).toBe(named.length);
});

it('a DDIM plan has the fingerprint that routers on disk name', () => {
  // planSha256 of the routers for DDIM that come with emoji-dit.
  const prints = [10, 20].map((steps) => planFingerprint(createDdimPlan({ steps })));
  expect(prints).toEqual([
    'b9b8848ce86fa2edcc625d341bd62d76174254a45826dae82907a780c38efd76',
    'c6dee383e9116fa4ebe989b66443fe908aad77024881eb889e5370e91f281883',
  ]);
});

describe.each<Prediction>(['epsilon', 'sample', 'velocity'])('a %s model', (prediction) => {
  const creators = [
    createDdimPlan,
    createDpmSolverPlan,
    createDpmSolverSinglestepPlan,
    createUniPcPlan,
  ];
  it.each(creators)('of data that is always 0.6 leads $name there', (create) => {
    const plan = create({ steps: 9, prediction });
    // What such a model says at step n is what the plan turns into a predicted sample of 0.6.
    const told = (x: number, n: number) => {
      const { toPrediction } = plan.steps[n] as (typeof plan.steps)[number];
      return (0.6 - toPrediction.x * x) / toPrediction.model;
    };
    let n = 0;
    const model = ([x = 0]: readonly number[]) => [told(x, n++)];
    const [[found] = []] = runPlan({ plan, latent: [1.7], model }).slice(-1);
    expect(found).toBeCloseTo(0.6, 10);
  });
});
