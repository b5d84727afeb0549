import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as samplers from './index.js';

it('exports exactly this', () => {
  expect(Object.keys(samplers).sort()).toEqual([
    'alphaBars',
    'assertNoiseSchedule',
    'createDdimPlan',
    'createDdpmPlan',
    'createDpmSolverPlan',
    'createDpmSolverSinglestepPlan',
    'createFlowEulerPlan',
    'createFlowHeunPlan',
    'createFlowSigmas',
    'createLinearSchedule',
    'createNoiseLevels',
    'createNoiseSchedule',
    'createSaSolverPlan',
    'createSamplerPlan',
    'createScaledLinearSchedule',
    'createSitOdePlan',
    'createSitSdePlan',
    'createSolverPath',
    'createSolverPlan',
    'createSquaredCosineSchedule',
    'createUniPcPlan',
    'dynamicShiftFactor',
    'exponentialStep',
    'interpolationWeights',
    'logSnr',
    'rescaleToZeroTerminalSnr',
    'respaceBetas',
    'respaceTimesteps',
    'selectTimesteps',
    'spaceSigmas',
    'tauBetween',
    'toSample',
  ]);
});

it('imports nothing but core', () => {
  const folder = new URL('.', import.meta.url);
  const sources = readdirSync(folder).filter((name) => /(?<!\.test)\.ts$/.test(name));
  const imported = sources.flatMap((name) =>
    [...readFileSync(new URL(name, folder), 'utf8').matchAll(/from '([^']+)'/g)].map((m) => m[1]),
  );
  const outside = new Set(imported.filter((target) => !target?.startsWith('./')));
  expect([...outside]).toEqual(['@harmonica/core']);
});
