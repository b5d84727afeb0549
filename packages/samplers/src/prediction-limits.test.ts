import { InvalidArgumentError, UnsupportedError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { createDdimPlan } from './diffusion/ddim-plan.js';
import { createFlowEulerPlan, createFlowHeunPlan } from './flow/flow-plans.js';
import { limitFields, type PredictionLimits } from './plan.js';
import { createSitOdePlan } from './sit/sit-ode-plan.js';
import { createSitSdePlan } from './sit/sit-sde-plan.js';
import { createDpmSolverPlan } from './solvers/dpm-solver-plan.js';
import { createDpmSolverSinglestepPlan } from './solvers/dpm-solver-singlestep-plan.js';
import { createSaSolverPlan } from './solvers/sa-solver-plan.js';
import { createUniPcPlan } from './solvers/unipc-plan.js';

const clip = { min: -1, max: 2 };
const threshold = { ratio: 0.995, max: 1.5 };
const limits: PredictionLimits[] = [{ clip }, { threshold }];

describe('methods whose predictions are samples', () => {
  it.each([
    createDdimPlan,
    createDpmSolverPlan,
    createDpmSolverSinglestepPlan,
    createUniPcPlan,
    createSaSolverPlan,
    createFlowEulerPlan,
    createFlowHeunPlan,
    createSitOdePlan,
    createSitSdePlan,
  ])('$name limits them in every step and records it', (create) => {
    for (const limit of limits) {
      const plan = create({ steps: 4, ...limit });
      for (const step of plan.steps) expect(step).toMatchObject(limit);
    }
    expect(create({ steps: 4 }).steps.some((s) => 'clip' in s || 'threshold' in s)).toBe(false);
    const settings = create({ steps: 4, threshold }).settings;
    expect(settings).toMatchObject({ thresholdRatio: 0.995, thresholdMax: 1.5, clipMin: null });
  });
});

describe('methods whose predictions are not samples', () => {
  it.each<[string, (limit: PredictionLimits) => unknown]>([
    ['DPM-Solver', (l) => createDpmSolverPlan({ steps: 4, algorithm: 'dpm-solver', ...l })],
    ['SDE-DPM-Solver', (l) => createDpmSolverPlan({ steps: 4, algorithm: 'sde-dpm-solver', ...l })],
    [
      'DPM-Solver, singlestep',
      (l) => createDpmSolverSinglestepPlan({ steps: 4, algorithm: 'dpm-solver', ...l }),
    ],
    ['UniPC on noise', (l) => createUniPcPlan({ steps: 4, integrate: 'epsilon', ...l })],
    ['SA-Solver on noise', (l) => createSaSolverPlan({ steps: 4, integrate: 'epsilon', ...l })],
    ['SiT, Heun', (l) => createSitOdePlan({ steps: 4, method: 'heun', ...l })],
    ['SiT, Heun, SDE', (l) => createSitSdePlan({ steps: 4, method: 'heun', ...l })],
  ])('%s refuses them', (_, create) => {
    for (const limit of limits) expect(() => create(limit)).toThrow(UnsupportedError);
    expect(() => create({ clip })).toThrow('clipping of samples');
    expect(() => create({ threshold })).toThrow('dynamic thresholding');
    expect(() => create({})).not.toThrow();
  });
});

describe('limitFields', () => {
  it.each<PredictionLimits>([
    { clip, threshold },
    { clip: { min: 1, max: 1 } },
    { clip: { min: -1, max: Number.NaN } },
    { threshold: { ratio: 0, max: 1 } },
    { threshold: { ratio: 1.1, max: 1 } },
    { threshold: { ratio: 0.9, max: 0.9 } },
    { threshold: { ratio: 0.9, max: Number.POSITIVE_INFINITY } },
  ])('refuses %j', (limit) => {
    expect(() => limitFields(limit)).toThrow(InvalidArgumentError);
  });
});
