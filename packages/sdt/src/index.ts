export {
  type AdamWState,
  type AdamWUpdate,
  type AdamWUpdateOptions,
  initAdamW,
  updateAdamW,
} from './adamw.js';
export {
  type AdaptBetaOptions,
  adaptBeta,
  type StartingBetaOptions,
  startingBeta,
} from './beta.js';
export {
  type BatchPart,
  type DrawBatchOptions,
  type DrawCondition,
  drawBatch,
  drawLabels,
  partSizeOf,
  type TrainingBatch,
} from './draw-batch.js';
export { type CalibrateThresholdOptions, calibrateThreshold } from './threshold.js';
export { assertTrainable, finishedRouter, trainRouter } from './train-router.js';
export {
  assertTrainingConfig,
  defaultConfig,
  type InitialLogits,
  LOGIT_LIMIT,
  l2cConfig,
  learningRateAt,
  paperConfig,
  SETTING_DEFAULTS,
  type TrainingConfig,
} from './training-config.js';
export {
  type DrawLatents,
  type LatentBatch,
  parseTrainingState,
  type SwapProgress,
  type TrainingProgress,
  type TrainingState,
  type TrainRouterOptions,
  type TrajectoryRecord,
} from './training-run.js';
export {
  type TrainingStepOptions,
  type TrainingStepResult,
  trainingStep,
} from './training-step.js';
