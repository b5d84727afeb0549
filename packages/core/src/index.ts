export type {
  Backbone,
  BackboneSpec,
  Branch,
  BranchKind,
  ConditionInput,
  NamedTensors,
  NoiseProcess,
  Prediction,
  Stream,
} from './backbone.js';
export {
  type CacheSchedule,
  type PredictorChoice,
  type Provenance,
  parseCacheSchedule,
  parseRouterFile,
  provenanceSchema,
  type RouterFile,
} from './cache-formats.js';
export {
  assertArgument,
  assertCount,
  assertOneOf,
  assertShape,
  type NamedArgument,
} from './checks.js';
export {
  assertCondition,
  assertConditionValues,
  assertUnconditional,
  doubleCondition,
} from './condition.js';
export { createEagerExecutor } from './eager-executor.js';
export {
  AbortedError,
  CheckpointError,
  ConfigError,
  type ConfigIssue,
  DisposedError,
  DTypeError,
  EngineError,
  type ErrorCode,
  type ErrorDetails,
  FileError,
  HarmonicaError,
  IncompatibleError,
  InvalidArgumentError,
  NonFiniteError,
  ShapeError,
  throwIfAborted,
  UnsupportedError,
} from './errors.js';
export {
  type AdvancePlanOptions,
  advancePlan,
  type Denoiser,
  disposePlanState,
  type ExecutePlanOptions,
  executePlan,
  type PlanState,
  type StepEvent,
  type StepInfo,
} from './execute-plan.js';
export {
  type AdvanceResult,
  type BeginInput,
  type BranchAction,
  type BranchRunner,
  type BranchVjp,
  type CacheMethod,
  type CachePolicy,
  type CachePredictor,
  computeAction,
  computeAll,
  type Decisions,
  type Executor,
  type Probe,
  type StreamHandle,
  type ValueHandle,
} from './executor.js';
export {
  createDenoiser,
  type DenoiserOptions,
  type GenerateOptions,
  type GenerateResult,
  generate,
} from './generate.js';
export { ensureGradients, type GradientsOfOptions, gradientsOf } from './gradients.js';
export {
  type ApplyGuidanceOptions,
  applyGuidance,
  DEFAULT_GUIDED_CHANNELS,
  type Guidance,
  type GuidanceVjpOptions,
  guidanceVjp,
} from './guidance.js';
export { javascriptValues, linearCombination, type Term } from './linear-combination.js';
export { createNameTable, type NameTable, type NameTableOptions } from './name-table.js';
export { createNoise, type NoiseOptions, type NoiseSource } from './noise.js';
export { isDeepJson, type ParseJsonOptions, parseJson } from './parse-json.js';
export type { PixelArray, PixelImage } from './pixel-image.js';
export {
  type LongCallOptions,
  type OnProgress,
  type Progress,
  type ProgressTracker,
  type TrackProgressOptions,
  trackProgress,
} from './progress.js';
export { createRng, type Rng, type RngOptions, type RngState, restoreRng } from './rng.js';
export {
  assertPlanFits,
  type DynamicThreshold,
  fingerprint,
  type PlanFit,
  type PlanStep,
  parseSamplerPlan,
  planFingerprint,
  type SamplerPlan,
  type StepNoise,
} from './sampler-plan.js';
export { measureRounds, type RoundSettings, timed } from './timing.js';
export type { WeightInfo, WeightSource } from './weight-source.js';
