import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as samplers from './index.js';

it('exports exactly this', () => {
  expect(Object.keys(samplers).sort()).toEqual([
    'DIT_PROCESS',
    'SAMPLER_NAMES',
    'SAMPLER_SETTINGS',
    'SETTING_NAMES',
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
    'createPlan',
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
    'processOfScheduler',
    'readSetting',
    'rescaleToZeroTerminalSnr',
    'respaceBetas',
    'respaceTimesteps',
    'samplerOf',
    'samplersWith',
    'selectTimesteps',
    'settingsIn',
    'spaceSigmas',
    'tauBetween',
    'toSample',
  ]);
});

it('imports nothing but core, and zod for settings that come from outside', () => {
  const folder = new URL('.', import.meta.url);
  const sources = (readdirSync(folder, { recursive: true }) as string[]).filter((name) =>
    /(?<!\.test)\.ts$/.test(name),
  );
  const imported = sources.flatMap((name) =>
    [...readFileSync(new URL(name, folder), 'utf8').matchAll(/from '([^']+)'/g)].map((m) => m[1]),
  );
  const outside = new Set(imported.filter((target) => !target?.startsWith('.')));
  expect([...outside].sort()).toEqual(['@harmonica/core', 'zod']);
});
