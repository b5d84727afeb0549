export type { PlanUpdate } from './assemble-plan.js';
export {
  type CreateSamplerPlanOptions,
  createSamplerPlan,
  type PlanOptions,
} from './create-sampler-plan.js';
export {
  type CreateSolverPlanOptions,
  createSolverPlan,
  type SolverPlanOptions,
} from './create-solver-plan.js';
export { createDdimPlan, type DdimPlanOptions } from './ddim-plan.js';
export { createDdpmPlan, type DdpmPlanOptions, type DdpmVariance } from './ddpm-plan.js';
export type { DpmSolverAlgorithm, DpmSolverRule } from './dpm-solver-algorithm.js';
export { createDpmSolverPlan, type DpmSolverPlanOptions } from './dpm-solver-plan.js';
export {
  createDpmSolverSinglestepPlan,
  type DpmSolverSinglestepPlanOptions,
  type DpmSolverSinglestepRule,
} from './dpm-solver-singlestep-plan.js';
export {
  type ExponentialStep,
  type ExponentialStepOptions,
  exponentialStep,
  type SolverSpace,
} from './exponential-step.js';
export { createFlowEulerPlan, type FlowEulerPlanOptions } from './flow-euler-plan.js';
export { createFlowHeunPlan } from './flow-heun-plan.js';
export type { FlowPlanOptions } from './flow-plan.js';
export {
  createFlowSigmas,
  type DynamicShift,
  dynamicShiftFactor,
  type FlowSigmaOptions,
} from './flow-sigmas.js';
export { interpolationWeights } from './integration-weights.js';
export {
  createNoiseLevels,
  type NoiseLevel,
  respaceBetas,
  type TimestepsOfSchedule,
} from './noise-level.js';
export { logSnr, type NoisePoint } from './noise-point.js';
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
  type SquaredCosineOptions,
} from './noise-schedule.js';
export type { PredictionLimits } from './prediction-limits.js';
export {
  type Respacing,
  respaceTimesteps,
  type StepSelection,
  selectTimesteps,
  type TimestepSpacing,
} from './respace.js';
export { createSaSolverPlan, type SaSolverPlanOptions, tauBetween } from './sa-solver-plan.js';
export { type SigmaSpacing, type SpaceSigmasOptions, spaceSigmas } from './sigma-spacing.js';
export { createSitOdePlan, type SitOdePlanOptions, type SitPlanOptions } from './sit-ode-plan.js';
export type { SitPath } from './sit-path.js';
export {
  createSitSdePlan,
  type SitDiffusion,
  type SitLastStep,
  type SitSdePlanOptions,
} from './sit-sde-plan.js';
export {
  createSolverPath,
  type FlowPathOptions,
  type SchedulePathOptions,
  type SolverPathOptions,
  type TimeRounding,
} from './solver-path.js';
export type { SolverSpacing, SolverStepSelection } from './solver-timesteps.js';
export { type ToSampleOptions, toSample } from './to-sample.js';
export { createUniPcPlan, type UniPcPlanOptions, type UniPcSolver } from './unipc-plan.js';
export { rescaleToZeroTerminalSnr } from './zero-terminal-snr.js';
