export { type AllComputeScheduleOptions, allComputeSchedule } from './all-compute-schedule.js';
export { parseCacheDocument } from './cache-document.js';
export { type CacheStatistics, cacheStatistics, type Utilization } from './cache-statistics.js';
export { type CacheKey, type CacheStore, createCacheStore } from './cache-store.js';
export { type Rgb, scoreColor } from './color-map.js';
export { assertCompatible, assertScheduleFits } from './compatibility.js';
export {
  branchCostWeights,
  type CostModel,
  macsCostModel,
  type ScheduleCostOptions,
  scheduleCost,
  theoreticalSpeedUp,
} from './cost-model.js';
export { fixedIntervalPolicy } from './fixed-interval-policy.js';
export {
  type FixedIntervalScheduleOptions,
  fixedIntervalSchedule,
  type Interval,
} from './fixed-interval-schedule.js';
export { formatRouter, formatSchedule } from './format-cache-document.js';
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
export { type MeasureCostModelOptions, measureCostModel } from './measure-cost-model.js';
export { noCachePolicy } from './no-cache-policy.js';
export {
  type ImportOfficialRouterOptions,
  importOfficialRouter,
  type OfficialRouterFormat,
  officialRouterRows,
} from './official-router.js';
export {
  type CachedOutput,
  type CachePlan,
  type PlanCacheOptions,
  type PlannedAction,
  peakCacheBytes,
  planCache,
} from './plan-cache.js';
export {
  holdPredictor,
  lagrangeWeights,
  linearPredictor,
  polynomialPredictor,
  quadraticPredictor,
} from './polynomial-predictor.js';
export { PREDICTOR_NAMES, perStepPredictor, predictorByName } from './predictor-by-name.js';
export { createProvenance, type RunSetting } from './provenance.js';
export { routerScores, type StepMatrix, sigmoid } from './router-scores.js';
export { schedulePolicy } from './schedule-policy.js';
export { type CreateScheduleOptions, createSchedule, scheduleDecisions } from './schedule-table.js';
export { type ToScheduleOptions, toSchedule } from './to-schedule.js';
export { type WithCacheOptions, withCache } from './with-cache.js';
export { type WithPolicyOptions, withPolicy } from './with-policy.js';
