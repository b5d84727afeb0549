export {
  type CreateSamplerPlanOptions,
  createSamplerPlan,
  type PlanOptions,
  type PlanUpdate,
} from './create-sampler-plan.js';
export { createDdimPlan, type DdimPlanOptions } from './ddim-plan.js';
export { createDdpmPlan, type DdpmPlanOptions, type DdpmVariance } from './ddpm-plan.js';
export {
  createNoiseLevels,
  type NoiseLevel,
  respaceBetas,
  type TimestepsOfSchedule,
} from './noise-level.js';
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
export {
  type Respacing,
  respaceTimesteps,
  type StepSelection,
  selectTimesteps,
  type TimestepSpacing,
} from './respace.js';
export { type ToSampleOptions, toSample } from './to-sample.js';
export { rescaleToZeroTerminalSnr } from './zero-terminal-snr.js';
