export {
  type AdamWOptions,
  type AdamWState,
  type AdamWUpdate,
  type AdamWUpdateOptions,
  initAdamW,
  updateAdamW,
} from './adamw.js';
export { partSizeOf } from './batch-parts.js';
export { type AdaptBetaOptions, adaptBeta } from './beta-control.js';
export { type CalibrateThresholdOptions, calibrateThreshold } from './calibrate-threshold.js';
export {
  type BatchPart,
  type DrawBatchOptions,
  type DrawCondition,
  drawBatch,
  drawLabels,
  type TrainingBatch,
} from './draw-batch.js';
export { type StartingBetaOptions, startingBeta } from './starting-beta.js';
export { type StepWeights, type StepWeightsOptions, stepWeights } from './step-weights.js';
export { assertTrainable, finishedRouter, trainRouter } from './train-router.js';
export {
  assertTrainingConfig,
  defaultConfig,
  type InitialLogits,
  LOGIT_LIMIT,
  l2cConfig,
  learningRateAt,
  type ProxyName,
  paperConfig,
  SETTING_DEFAULTS,
  type TrainingConfig,
} from './training-config.js';
export type {
  DrawLatents,
  ExchangeProgress,
  LatentBatch,
  TrainingProgress,
  TrainRouterOptions,
} from './training-run.js';
export { parseTrainingState, type TrainingState, type TrajectoryRecord } from './training-state.js';
export {
  type TrainingStepOptions,
  type TrainingStepResult,
  trainingStep,
} from './training-step.js';
