export {
  type CalibrationHeader,
  type CalibrationKind,
  calibrationKind,
  formatCalibration,
  type Recorder,
  type RecorderOptions,
} from './calibration/calibration.js';
export {
  type Calibrator,
  type CalibratorOptions,
  calibratedMethods,
  createCalibrator,
  parseCalibration,
} from './calibration/calibrator.js';
export {
  evaluatePolynomial,
  fitPolynomial,
  type PolynomialFit,
} from './calibration/fit-polynomial.js';
export {
  type DeltaDitScheduleOptions,
  deltaDitSchedule,
} from './methods/delta-dit.js';
export {
  type DualBlockCacheLimits,
  type DualBlockCacheOptions,
  dualBlockCachePolicy,
} from './methods/dual-block-cache.js';
export { firstBlockCachePolicy } from './methods/first-block-cache.js';
export {
  type FixedIntervalScheduleOptions,
  fixedIntervalSchedule,
  type Interval,
  intervalStart,
} from './methods/interval.js';
export {
  createMagnitudeRecorder,
  type MagCacheScheduleOptions,
  magCacheSchedule,
  type RecordedMagnitudes,
} from './methods/mag-cache.js';
export {
  type CachingMethod,
  calibrationIn,
  calibrationOrigin,
  type MadePolicy,
  type PolicyContext,
  type PolicyOrigin,
  predicting,
  type ReadFile,
  type SettingsOf,
} from './methods/method.js';
export {
  type Broadcast,
  type MlpBroadcast,
  type PabScheduleOptions,
  pabSchedule,
} from './methods/pab.js';
export {
  type ComponentNames,
  createChangeRecorder,
  DIFFUSERS_COMPONENTS,
  DIT_COMPONENTS,
  formatSmoothCacheSchedule,
  type ParseSmoothCacheOptions,
  parseSmoothCacheSchedule,
  type RecordedChanges,
  type SmoothCacheScheduleOptions,
  smoothCacheSchedule,
} from './methods/smooth-cache.js';
export {
  type BUILT_IN_METHODS,
  type Calibration,
  type PolicySpec,
  registerCachingMethod,
} from './methods/table.js';
export {
  type TaylorSeerScheduleOptions,
  taylorSeerSchedule,
} from './methods/taylor-seer.js';
export {
  createTeaCacheRecorder,
  type TeaCacheOptions,
  type TeaCachePairs,
  teaCachePolicy,
} from './methods/tea-cache.js';
export {
  cacheMethodOf,
  formatPolicySpec,
  isWholeSetting,
  parsePolicySpec,
  policyFrom,
  policyHelp,
  policyNames,
  policyOrigin,
  type ReadyPolicy,
} from './policy.js';
export {
  cubicPredictor,
  type HalfwayPredictorOptions,
  halfLinearPredictor,
  halfQuadraticPredictor,
  halfwayPredictor,
  holdPredictor,
  lagrangeCoefficients,
  linearPredictor,
  PER_STEP_CANDIDATES,
  perStepPredictor,
  polynomialPredictor,
  predictorByName,
  predictorNames,
  quadraticPredictor,
  registerPredictor,
  taylorPredictor,
} from './predictors.js';
export type { CacheKey } from './run/caching-runner.js';
export type { DynamicPolicy, PolicyRun, RunningPolicy, Watch } from './run/dynamic-policy.js';
export {
  type CachePlan,
  type PlannedAction,
  planCache,
  type WithCacheOptions,
} from './run/plan-cache.js';
export {
  emptyCache,
  type RoutedActionsOptions,
  type RoutedCache,
  type RoutedOutput,
  releaseCache,
  routedActions,
  type UpdateCacheOptions,
  updateCache,
} from './run/routed-cache.js';
export {
  type AdvanceRunOptions,
  type AdvanceRunResult,
  advanceRun,
  beginStep,
  disposeRunState,
  type FullStepOptions,
  fullStep,
  guide,
  nextPlanState,
  type RoutedRun,
  type RunState,
  retainRunState,
  startRun,
} from './run/routed-run.js';
export { withCache } from './run/with-cache.js';
export { type WithPolicyOptions, withPolicy } from './run/with-policy.js';
export {
  assertCompatible,
  assertScheduleFits,
  type CacheDocument,
} from './schedule/compatibility.js';
export {
  branchCostWeights,
  type CacheStatistics,
  type CostModel,
  cacheStatistics,
  macsCostModel,
  type ScheduleCostOptions,
  scheduleCost,
  stepCost,
  theoreticalSpeedUp,
  type Utilization,
} from './schedule/cost-model.js';
export {
  diffSchedules,
  editSchedule,
  type IndexRange,
  type PredictorDifference,
  type ResampleScheduleOptions,
  resampleSchedule,
  type ScheduleDiff,
  type ScheduleDifference,
  type ScheduleEdit,
} from './schedule/edit-schedule.js';
export {
  constantLogits,
  FIRST_STEP_LOGIT,
  type LogitsFromScheduleOptions,
  logitsFromSchedule,
  normalLogits,
  type RouterSize,
} from './schedule/initial-logits.js';
export { type MeasureCostModelOptions, measureCostModel } from './schedule/measure-cost-model.js';
export {
  type ExportOfficialRouterOptions,
  exportOfficialRouter,
  type ImportOfficialRouterOptions,
  importOfficialRouter,
  type OfficialRouterFormat,
  officialRouterRows,
} from './schedule/official-router.js';
export { createProvenance, type RunSetting } from './schedule/provenance.js';
export { formatRouter, formatSchedule, parseCacheDocument } from './schedule/readable-json.js';
export {
  type CreateScheduleOptions,
  createSchedule,
  type Granularity,
  routerScores,
  type ScheduleDetails,
  type StepMatrix,
  scheduleDecisions,
  sigmoid,
  type ToScheduleOptions,
  toSchedule,
} from './schedule/schedule.js';
