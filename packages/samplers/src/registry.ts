import {
  assertArgument,
  HarmonicaError,
  IncompatibleError,
  type NoiseProcess,
  type Prediction,
  type Provenance,
  planFingerprint,
  type SamplerPlan,
  UnsupportedError,
} from '@harmonica/core';
import { createDdimPlan } from './diffusion/ddim-plan.js';
import { createDdpmPlan, type DdpmPlanOptions } from './diffusion/ddpm-plan.js';
import { createFlowEulerPlan, createFlowHeunPlan } from './flow/flow-plans.js';
import {
  createNoiseSchedule,
  type NoiseSchedule,
  type NoiseScheduleName,
} from './schedules/noise-schedule.js';
import {
  givenSettings,
  planOptionsOf,
  type SamplerSettings,
  type SettingName,
  settingsIn,
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
  readonly schedule?: NoiseScheduleName | NoiseSchedule;
  /** What the model's output stands for. Default: what its samplers take it for. */
  readonly prediction?: Prediction;
  /** What a configuration of the model itself says: `processOfScheduler`. */
  readonly configured?: ConfiguredSampling;
}

/** How a model's configuration wants it sampled, where options do not say otherwise. */
export interface ConfiguredSampling {
  /** For error messages. */
  readonly source: string;
  /** Settings of every sampler that has them. */
  readonly settings: SamplerSettings;
  /** Settings of one sampler alone. */
  readonly own: { readonly sampler: SamplerName; readonly settings: SamplerSettings };
  /** What no sampler does. */
  readonly refused: readonly RefusedField[];
}

/** Something that a model's configuration asks for and no sampler does. */
export interface RefusedField {
  /** Key and value, such as `set_alpha_to_one: false`. */
  readonly field: string;
  /** The option that decides it instead. */
  readonly option: 'sampler' | 'schedule' | 'prediction' | 'spacing';
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
  const { schedule = process.schedule, prediction = process.prediction, ...others } = options;
  const configured = configuredSettings(sampler, options);
  return create({
    steps: isCount(steps) ? Number(steps) : steps,
    ...planOptionsOf({ ...configured, prediction, ...settingsIn(others) }),
    ...(entry.process === 'diffusion' && schedule && { schedule: scheduleOf(schedule) }),
  } as never);
}

function isCount(steps: string | number): boolean {
  return /^\d+$/.test(String(steps));
}

function scheduleOf(schedule: NoiseScheduleName | NoiseSchedule): NoiseSchedule {
  return typeof schedule === 'string' ? createNoiseSchedule({ name: schedule }) : schedule;
}

/**
 * What the model's configuration says of a sampler.
 *
 * @throws {@link UnsupportedError} if it says what no sampler does, and no option decides it instead
 */
function configuredSettings(sampler: SamplerName, options: CreatePlanOptions): SamplerSettings {
  const { configured } = options.process ?? {};
  if (!configured) return {};
  const { source, own, refused } = configured;
  const open = refused.filter(({ option }) => options[option] === undefined);
  const [first] = open;
  if (first) {
    throw new UnsupportedError({
      feature: `${open.map(({ field }) => field).join(', ')} of ${source}`,
      engine: sampler,
      fix: `Say what to do instead: an option ${first.option} overrides it.`,
    });
  }
  const said = { ...configured.settings, ...(sampler === own.sampler && own.settings) };
  const { sigmaSpacing = said.sigmaSpacing, spacing = said.spacing, steps = 1 } = options;
  const has = (name: SettingName) => samplersWith(name).includes(sampler);
  // Noise levels that are spread anew, and sections of steps, leave no timesteps to space.
  const isSpaced = sigmaSpacing === undefined && isCount(steps);
  const isUsed: Partial<Record<SettingName, boolean>> = {
    spacing: isSpaced,
    stepsOffset: isSpaced && spacing === 'leading',
  };
  const names = givenSettings(said).filter((name) => has(name) && isUsed[name] !== false);
  return Object.fromEntries(names.map((name) => [name, said[name]]));
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
