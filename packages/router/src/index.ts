export { type AllComputeScheduleOptions, allComputeSchedule } from './all-compute-schedule.js';
export type { Granularity } from './branch-groups.js';
export { parseCacheDocument } from './cache-document.js';
export { type CacheStatistics, cacheStatistics, type Utilization } from './cache-statistics.js';
export { type CacheKey, type CacheStore, createCacheStore } from './cache-store.js';
export {
  CALIBRATION_METHODS,
  type Calibration,
  formatCalibration,
  type MagCacheCalibration,
  parseCalibration,
  type SmoothCacheCalibration,
  type TeaCacheCalibration,
} from './calibration.js';
export { type Calibrator, type CalibratorOptions, createCalibrator } from './calibrator.js';
export { type ChangeRecorder, createChangeRecorder } from './change-recorder.js';
export { type Rgb, scoreColor } from './color-map.js';
export { assertCompatible, assertScheduleFits } from './compatibility.js';
export {
  branchCostWeights,
  type CostModel,
  macsCostModel,
  type ScheduleCostOptions,
  scheduleCost,
  stepCost,
  theoreticalSpeedUp,
} from './cost-model.js';
export { type DeltaDitScheduleOptions, deltaDitSchedule } from './delta-dit-schedule.js';
export {
  diffSchedules,
  type PredictorDifference,
  type ScheduleDiff,
  type ScheduleDifference,
} from './diff-schedules.js';
export {
  type DualBlockCacheLimits,
  type DualBlockCacheOptions,
  dualBlockCachePolicy,
} from './dual-block-cache-policy.js';
export type { DynamicPolicy, PolicyRun, RunningPolicy, Watch } from './dynamic-policy.js';
export { editSchedule, type IndexRange, type ScheduleEdit } from './edit-schedule.js';
export {
  type ExportOfficialRouterOptions,
  exportOfficialRouter,
} from './export-official-router.js';
export { firstBlockCachePolicy } from './first-block-cache-policy.js';
export { evaluatePolynomial, fitPolynomial, type PolynomialFit } from './fit-polynomial.js';
export { fixedIntervalPolicy } from './fixed-interval-policy.js';
export {
  type FixedIntervalScheduleOptions,
  fixedIntervalSchedule,
  type Interval,
} from './fixed-interval-schedule.js';
export { formatRouter, formatSchedule } from './format-cache-document.js';
export {
  type HalfwayPredictorOptions,
  halfLinearPredictor,
  halfQuadraticPredictor,
  halfwayPredictor,
} from './halfway-predictor.js';
export {
  type HeatMap,
  type HeatMapOfScoresOptions,
  type HeatMapOptions,
  type HeatMapPanel,
  heatMapOf,
  heatMapOfScores,
} from './heat-map.js';
export { heatMapToPng } from './heat-map-png.js';
export {
  layoutHeatMap,
  type RectShape,
  type Scene,
  type Shape,
  type TextShape,
} from './heat-map-scene.js';
export { heatMapToSvg } from './heat-map-svg.js';
export { heatMapToTerminal, type TerminalOptions } from './heat-map-terminal.js';
export {
  constantLogits,
  FIRST_STEP_LOGIT,
  type LogitsFromScheduleOptions,
  logitsFromSchedule,
  normalLogits,
  type RouterSize,
} from './initial-logits.js';
export {
  type MagCacheScheduleOptions,
  magCacheSchedule,
  type RecordedMagnitudes,
} from './mag-cache-schedule.js';
export { createMagnitudeRecorder, type MagnitudeRecorder } from './magnitude-recorder.js';
export { type MeasureCostModelOptions, measureCostModel } from './measure-cost-model.js';
export { noCachePolicy } from './no-cache-policy.js';
export {
  type ImportOfficialRouterOptions,
  importOfficialRouter,
  type OfficialRouterFormat,
  officialRouterRows,
} from './official-router.js';
export {
  type Broadcast,
  type MlpBroadcast,
  type PabScheduleOptions,
  pabSchedule,
} from './pab-schedule.js';
export {
  type CachedOutput,
  type CachePlan,
  type PlanCacheOptions,
  type PlannedAction,
  peakCacheBytes,
  planCache,
} from './plan-cache.js';
export {
  cacheMethodOf,
  intervalStart,
  type PolicyContext,
  policyFrom,
  policyOrigin,
  type ReadyPolicy,
} from './policy-from.js';
export {
  type DeltaDitSpec,
  type DualBlockSpec,
  type FirstBlockSpec,
  type ForaSpec,
  formatPolicySpec,
  type IntervalSpec,
  isWholeSetting,
  type MagCacheSpec,
  type PabSpec,
  POLICY_NAMES,
  type PolicyName,
  type PolicySpec,
  parsePolicySpec,
  type ScheduleSpec,
  type SmoothCacheSpec,
  type TaylorSeerSpec,
  type TeaCacheSpec,
} from './policy-spec.js';
export {
  cubicPredictor,
  holdPredictor,
  lagrangeWeights,
  linearPredictor,
  polynomialPredictor,
  quadraticPredictor,
} from './polynomial-predictor.js';
export { perStepPredictor, predictorByName } from './predictor-by-name.js';
export { createProvenance, type RunSetting } from './provenance.js';
export { type ResampleScheduleOptions, resampleSchedule } from './resample-schedule.js';
export { routerScores, type StepMatrix, sigmoid } from './router-scores.js';
export { sceneToPng } from './scene-png.js';
export { schedulePolicy } from './schedule-policy.js';
export { type CreateScheduleOptions, createSchedule, scheduleDecisions } from './schedule-table.js';
export {
  type ComponentNames,
  DIFFUSERS_COMPONENTS,
  DIT_COMPONENTS,
  formatSmoothCacheSchedule,
  type ParseSmoothCacheOptions,
  parseSmoothCacheSchedule,
} from './smooth-cache-file.js';
export {
  type RecordedChanges,
  type SmoothCacheScheduleOptions,
  smoothCacheSchedule,
} from './smooth-cache-schedule.js';
export { taylorPredictor } from './taylor-predictor.js';
export { type TaylorSeerScheduleOptions, taylorSeerSchedule } from './taylor-seer-schedule.js';
export { type TeaCacheOptions, teaCachePolicy } from './tea-cache-policy.js';
export {
  createTeaCacheRecorder,
  type TeaCachePairs,
  type TeaCacheRecorder,
} from './tea-cache-recorder.js';
export { type ToScheduleOptions, toSchedule } from './to-schedule.js';
export { type WithCacheOptions, withCache } from './with-cache.js';
export { type WithPolicyOptions, withPolicy } from './with-policy.js';
