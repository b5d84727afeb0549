export { branchesOf } from './__fixtures__/branches.js';
export { router } from './__fixtures__/provenance.js';
export { type AllComputeScheduleOptions, allComputeSchedule } from './all-compute-schedule.js';
export {
  CALIBRATION_METHODS,
  type Calibration,
  formatCalibration,
  type MagCacheCalibration,
  parseCalibration,
  type RecordedChanges,
  type RecordedMagnitudes,
  type SmoothCacheCalibration,
  type TeaCacheCalibration,
} from './calibration/calibration.js';
export {
  type Calibrator,
  type CalibratorOptions,
  createCalibrator,
} from './calibration/calibrator.js';
export {
  evaluatePolynomial,
  fitPolynomial,
  type PolynomialFit,
} from './calibration/fit-polynomial.js';
export {
  type ChangeRecorder,
  createChangeRecorder,
  createMagnitudeRecorder,
  createTeaCacheRecorder,
  type MagnitudeRecorder,
  type TeaCachePairs,
  type TeaCacheRecorder,
} from './calibration/recorders.js';
export { fixedIntervalPolicy } from './fixed-interval-policy.js';
export {
  type DeltaDitScheduleOptions,
  type DeltaDitSpec,
  deltaDitSchedule,
} from './methods/delta-dit.js';
export {
  type DualBlockCacheLimits,
  type DualBlockCacheOptions,
  type DualBlockSpec,
  dualBlockCachePolicy,
} from './methods/dual-block-cache.js';
export { type FirstBlockSpec, firstBlockCachePolicy } from './methods/first-block-cache.js';
export {
  type FixedIntervalScheduleOptions,
  type ForaSpec,
  fixedIntervalSchedule,
  type Interval,
  type IntervalSpec,
  intervalStart,
} from './methods/fora.js';
export {
  type MagCacheScheduleOptions,
  type MagCacheSpec,
  magCacheSchedule,
} from './methods/mag-cache.js';
export type { PolicyContext } from './methods/method.js';
export {
  type Broadcast,
  type MlpBroadcast,
  type PabScheduleOptions,
  type PabSpec,
  pabSchedule,
} from './methods/pab.js';
export {
  type ComponentNames,
  DIFFUSERS_COMPONENTS,
  DIT_COMPONENTS,
  formatSmoothCacheSchedule,
  type ParseSmoothCacheOptions,
  parseSmoothCacheSchedule,
  type SmoothCacheScheduleOptions,
  type SmoothCacheSpec,
  smoothCacheSchedule,
} from './methods/smooth-cache.js';
export {
  type TaylorSeerScheduleOptions,
  type TaylorSeerSpec,
  taylorSeerSchedule,
} from './methods/taylor-seer.js';
export { type TeaCacheOptions, type TeaCacheSpec, teaCachePolicy } from './methods/tea-cache.js';
export { noCachePolicy } from './no-cache-policy.js';
export {
  cacheMethodOf,
  formatPolicySpec,
  isWholeSetting,
  POLICY_NAMES,
  type PolicyName,
  type PolicySpec,
  parsePolicySpec,
  policyFrom,
  policyOrigin,
  type ReadyPolicy,
  type ScheduleSpec,
} from './policy.js';
export {
  cubicPredictor,
  type HalfwayPredictorOptions,
  halfLinearPredictor,
  halfQuadraticPredictor,
  halfwayPredictor,
  holdPredictor,
  lagrangeWeights,
  linearPredictor,
  perStepPredictor,
  polynomialPredictor,
  predictorByName,
  quadraticPredictor,
  taylorPredictor,
} from './predictors.js';
export { type CacheKey, type CacheStore, createCacheStore } from './run/caching-runner.js';
export type { DynamicPolicy, PolicyRun, RunningPolicy, Watch } from './run/dynamic-policy.js';
export {
  type CachedOutput,
  type CachePlan,
  type PlanCacheOptions,
  type PlannedAction,
  peakCacheBytes,
  planCache,
} from './run/plan-cache.js';
export {
  emptyCache,
  type RoutedActionsOptions,
  type RoutedCache,
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
  fullStep,
  guide,
  nextPlanState,
  type RoutedRun,
  type RunState,
  retainRunState,
  startRun,
} from './run/routed-run.js';
export { type WithCacheOptions, withCache } from './run/with-cache.js';
export { type WithPolicyOptions, withPolicy } from './run/with-policy.js';
export { assertCompatible, assertScheduleFits } from './schedule/compatibility.js';
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
  type StepMatrix,
  scheduleDecisions,
  sigmoid,
  type ToScheduleOptions,
  toSchedule,
} from './schedule/schedule.js';
export { schedulePolicy } from './schedule-policy.js';
