export { processOfScheduler, type SchedulerFile } from './diffusers-scheduler.js';
export {
  type CreateSamplerPlanOptions,
  createSamplerPlan,
  type PlanOptions,
  type ToSampleOptions,
  toSample,
} from './diffusion/create-sampler-plan.js';
export { createDdimPlan, type DdimPlanOptions } from './diffusion/ddim-plan.js';
export { createDdpmPlan, type DdpmPlanOptions, type DdpmVariance } from './diffusion/ddpm-plan.js';
export {
  createFlowEulerPlan,
  createFlowHeunPlan,
  type FlowEulerPlanOptions,
  type FlowPlanOptions,
} from './flow/flow-plans.js';
export {
  createFlowSigmas,
  type DynamicShift,
  dynamicShiftFactor,
  type FlowSigmaOptions,
} from './flow/flow-sigmas.js';
export { logSnr, type NoisePoint, type PlanUpdate, type PredictionLimits } from './plan.js';
export {
  type ConfiguredSampling,
  type CreatePlanOptions,
  createPlan,
  DIT_PROCESS,
  type ModelProcess,
  type RefusedField,
  SAMPLER_NAMES,
  type SamplerName,
  type SamplerOptions,
  samplerOf,
  samplersWith,
} from './registry.js';
export {
  createNoiseLevels,
  type NoiseLevel,
  respaceBetas,
  type TimestepsOfSchedule,
} from './schedules/noise-level.js';
export {
  alphaBars,
  assertNoiseSchedule,
  type BetaRangeOptions,
  createLinearSchedule,
  createNoiseSchedule,
  createScaledLinearSchedule,
  createSquaredCosineSchedule,
  type NoiseSchedule,
  type NoiseScheduleName,
  rescaleToZeroTerminalSnr,
  type SquaredCosineOptions,
} from './schedules/noise-schedule.js';
export {
  type SigmaSpacing,
  type SpaceSigmasOptions,
  spaceSigmas,
} from './schedules/sigma-spacing.js';
export {
  type Respacing,
  respaceTimesteps,
  type Selection,
  type SolverSpacing,
  type SolverStepSelection,
  type StepSelection,
  selectTimesteps,
  type TimestepSpacing,
} from './schedules/timesteps.js';
export {
  readSetting,
  SAMPLER_SETTINGS,
  type SamplerSetting,
  type SamplerSettings,
  SETTING_NAMES,
  type SettingName,
  type SettingValues,
  settingsIn,
  type TauRange,
} from './settings.js';
export {
  createSitOdePlan,
  type SitOdePlanOptions,
  type SitPath,
  type SitPlanOptions,
} from './sit/sit-ode-plan.js';
export {
  createSitSdePlan,
  type SitDiffusion,
  type SitLastStep,
  type SitSdePlanOptions,
} from './sit/sit-sde-plan.js';
export {
  createDpmSolverPlan,
  type DpmSolverAlgorithm,
  type DpmSolverPlanOptions,
  type DpmSolverRule,
} from './solvers/dpm-solver-plan.js';
export {
  createDpmSolverSinglestepPlan,
  type DpmSolverSinglestepPlanOptions,
  type DpmSolverSinglestepRule,
} from './solvers/dpm-solver-singlestep-plan.js';
export {
  type ExponentialStep,
  type ExponentialStepOptions,
  exponentialStep,
  interpolationWeights,
  type SolverSpace,
} from './solvers/exponential-step.js';
export {
  createSaSolverPlan,
  type SaSolverPlanOptions,
  tauBetween,
} from './solvers/sa-solver-plan.js';
export {
  type CreateSolverPlanOptions,
  createSolverPath,
  createSolverPlan,
  type FlowPathOptions,
  type SchedulePathOptions,
  type SolverPathOptions,
  type SolverPlanOptions,
  type TimeRounding,
} from './solvers/solver-path.js';
export { createUniPcPlan, type UniPcPlanOptions, type UniPcSolver } from './solvers/unipc-plan.js';
