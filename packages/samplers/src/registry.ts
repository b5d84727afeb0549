import {
  assertArgument,
  HarmonicaError,
  IncompatibleError,
  type NoiseProcess,
  type Provenance,
  planFingerprint,
  type SamplerPlan,
} from '@harmonica/core';
import { createDdimPlan } from './diffusion/ddim-plan.js';
import { createDdpmPlan, type DdpmPlanOptions } from './diffusion/ddpm-plan.js';
import { createFlowEulerPlan, createFlowHeunPlan } from './flow/flow-plans.js';
import type { NoiseScheduleName } from './schedules/noise-schedule.js';
import {
  givenSettings,
  planOptionsOf,
  type SamplerSettings,
  type SettingName,
} from './settings.js';
import { createSitOdePlan } from './sit/sit-ode-plan.js';
import { createSitSdePlan } from './sit/sit-sde-plan.js';
import {
  createDpmSolverPlan,
  type DpmSolverAlgorithm,
  type DpmSolverPlanOptions,
} from './solvers/dpm-solver-plan.js';
import {
  createDpmSolverSinglestepPlan,
  type DpmSolverSinglestepPlanOptions,
} from './solvers/dpm-solver-singlestep-plan.js';
import { createSaSolverPlan } from './solvers/sa-solver-plan.js';
import { createUniPcPlan } from './solvers/unipc-plan.js';

/** What a sampler depends on of how a model was trained. */
export interface ModelProcess {
  readonly kind: NoiseProcess;
  /** The sampler to take where none is named. */
  readonly sampler: SamplerName;
  /** Of a diffusion, where none is named. */
  readonly schedule?: NoiseScheduleName;
}

/** The process of DiT, which stands where no model says otherwise. */
export const DIT_PROCESS: ModelProcess = { kind: 'diffusion', sampler: 'ddim', schedule: 'linear' };

interface Sampler {
  readonly process: NoiseProcess;
  /** The settings that it has beside `steps`. */
  readonly settings: readonly SettingName[];
  /** @throws typed errors if a setting is outside its range */
  readonly create: (options: never) => SamplerPlan;
}

const LIMITS = ['prediction', 'clip', 'dynamicThreshold'] as const;
const ONE_STEP = [...LIMITS, 'schedule', 'spacing', 'stepsOffset'] as const;
const SOLVER = [
  ...ONE_STEP,
  'sigmaSpacing',
  'timeRounding',
  'finalSigma',
  'minLogSnr',
  'lowerOrderFinal',
] as const;
const FLOW = [
  ...LIMITS,
  'shift',
  'dynamicShift',
  'shiftTerminal',
  'sigmaMin',
  'sigmaSpacing',
] as const;
const SIT = [...LIMITS, 'interpolant', 'method', 'startTime'] as const;

/** Every sampler, one entry each. `ddpm` has a fixed variance, `iddpm` the one that the model predicts. */
const SAMPLERS = {
  ddim: diffusion([...ONE_STEP, 'eta'], createDdimPlan),
  ddpm: ancestral('fixed-large'),
  iddpm: ancestral('learned-range'),
  'dpm-solver': multistep('dpm-solver'),
  'dpm-solver++': multistep('dpm-solver++'),
  'sde-dpm-solver': multistep('sde-dpm-solver'),
  'sde-dpm-solver++': multistep('sde-dpm-solver++'),
  'dpm-solver-singlestep': singlestep('dpm-solver'),
  'dpm-solver++-singlestep': singlestep('dpm-solver++'),
  'sde-dpm-solver++-singlestep': singlestep('sde-dpm-solver++'),
  unipc: diffusion([...SOLVER, 'order', 'solver', 'integrate', 'uncorrected'], createUniPcPlan),
  'sa-solver': diffusion(
    [...SOLVER, 'predictorOrder', 'correctorOrder', 'integrate', 'tau'],
    createSaSolverPlan,
  ),
  'flow-euler': { process: 'flow', settings: [...FLOW, 'stochastic'], create: createFlowEulerPlan },
  'flow-heun': { process: 'flow', settings: FLOW, create: createFlowHeunPlan },
  'sit-ode': { process: 'sit', settings: [...SIT, 'stopTime'], create: createSitOdePlan },
  'sit-sde': {
    process: 'sit',
    settings: [...SIT, 'diffusion', 'diffusionNorm', 'lastStep', 'lastStepSize'],
    create: createSitSdePlan,
  },
} satisfies Record<string, Sampler>;

/** The names of all samplers. */
export const SAMPLER_NAMES = Object.keys(SAMPLERS) as readonly (keyof typeof SAMPLERS)[];

/** The name of a sampler, such as `ddim` or `dpm-solver++`. */
export type SamplerName = (typeof SAMPLER_NAMES)[number];

/** A sampler and its settings, by name. */
export interface SamplerOptions extends SamplerSettings {
  /** Default: the model's, else `ddim`. */
  readonly sampler?: SamplerName | undefined;
  /** A count; for `ddim`, `ddpm` and `iddpm` also `ddimN` or section counts, as guided-diffusion has it. Default 20. */
  readonly steps?: string | number | undefined;
}

/** Options of {@link createPlan}. */
export interface CreatePlanOptions extends SamplerOptions {
  /** Of the model, which refuses samplers of others. Default: that of the sampler. */
  readonly process?: ModelProcess | undefined;
}

/**
 * The plan of a sampler by its name and its settings.
 *
 * @throws {@link InvalidArgumentError} if a setting is outside its range, or the sampler has no such setting
 * @throws {@link IncompatibleError} if the sampler is for other models
 * @throws {@link UnsupportedError} if the method cannot do what a setting asks for
 */
export function createPlan(options: CreatePlanOptions): SamplerPlan {
  const { process = DIT_PROCESS, sampler = process.sampler, steps = 20 } = options;
  const { settings, create, ...entry }: Sampler = SAMPLERS[sampler];
  if (options.process && entry.process !== process.kind) throw notFor(sampler, process);
  for (const name of givenSettings(options)) {
    assertArgument(
      { [name]: sampler },
      `a sampler that has it: ${samplersWith(name).join(', ')}`,
      settings.includes(name),
      `${sampler} has ${settings.join(', ')}.`,
    );
  }
  const { schedule = process.schedule } = options;
  return create({
    steps: /^\d+$/.test(String(steps)) ? Number(steps) : steps,
    ...planOptionsOf({ ...options, ...(entry.process === 'diffusion' && { schedule }) }),
  } as never);
}

/** The samplers that have a setting. */
export function samplersWith(name: SettingName): readonly SamplerName[] {
  return SAMPLER_NAMES.filter((sampler) => {
    const { settings }: Sampler = SAMPLERS[sampler];
    return settings.includes(name);
  });
}

/**
 * The sampler with default settings that a router or schedule was made for; if it is none of them, that of the model.
 *
 * @param process of the model; without one every sampler is tried
 */
export function samplerOf(
  { sampler: made }: Pick<Provenance, 'sampler'>,
  process?: ModelProcess,
): SamplerName {
  const { steps } = made;
  const matches = (sampler: SamplerName): boolean => {
    try {
      return planFingerprint(createPlan({ sampler, steps, process })) === made.planSha256;
    } catch (error) {
      if (HarmonicaError.isInstance(error)) return false;
      throw error;
    }
  };
  return SAMPLER_NAMES.find(matches) ?? (process ?? DIT_PROCESS).sampler;
}

function ancestral(variance: 'fixed-large' | 'learned-range') {
  return diffusion(ONE_STEP, (options: DdpmPlanOptions) =>
    createDdpmPlan({ ...options, variance }),
  );
}

function multistep(algorithm: DpmSolverAlgorithm) {
  const settings = [...SOLVER, 'order', 'solver', 'eulerAtFinal'] as const;
  return diffusion(settings, (options: DpmSolverPlanOptions) =>
    createDpmSolverPlan({ ...options, algorithm }),
  );
}

function singlestep(algorithm: Exclude<DpmSolverAlgorithm, 'sde-dpm-solver'>) {
  const settings = [...SOLVER, 'order', 'solver'] as const;
  return diffusion(settings, (options: DpmSolverSinglestepPlanOptions) =>
    createDpmSolverSinglestepPlan({ ...options, algorithm }),
  );
}

function diffusion(settings: Sampler['settings'], create: Sampler['create']): Sampler {
  return { process: 'diffusion', settings, create };
}

function notFor(sampler: SamplerName, { kind }: ModelProcess): IncompatibleError {
  const others = SAMPLER_NAMES.filter((name) => SAMPLERS[name].process === kind);
  return new IncompatibleError({
    what: `What ${sampler} samples`,
    actual: SAMPLERS[sampler].process,
    expected: kind,
    fix: `Samplers for this model: ${others.join(', ')}.`,
  });
}
