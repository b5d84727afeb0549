export {
  type Exchange,
  type ExchangedSteps,
  type ExchangeStepsOptions,
  exchanged,
  exchangeSteps,
  type ScheduleErrorsOptions,
  scheduleErrors,
} from './exchange-steps.js';
export type { FinalErrorsOptions, SteppedSchedule } from './final-errors.js';
export type { LambdaOptions, RunPart } from './forks.js';
export { cumulativeLambda, leaveOneOutLambda } from './lambda.js';
export {
  type ChoosePredictorsOptions,
  choosePredictors,
  type MarginalLambda,
  type MarginalLambdaOptions,
  marginalLambda,
} from './marginal-lambda.js';
export { type ObjectiveOptions, type ObjectiveTerms, objective } from './objective.js';
export {
  emptyCache,
  type RoutedActionsOptions,
  type RoutedCache,
  releaseCache,
  routedActions,
  type UpdateCacheOptions,
  updateCache,
} from './routed-cache.js';
export {
  type AdvanceRunOptions,
  type AdvanceRunResult,
  advanceRun,
  beginStep,
  disposeRunState,
  guide,
  nextPlanState,
  type RoutedRun,
  type RunState,
  retainRunState,
  startRun,
} from './routed-run.js';
export {
  type ChoosePredictorsAloneOptions,
  choosePredictorsAlone,
  type SingleStepLambda,
  type SingleStepLambdaOptions,
  singleStepLambda,
} from './single-step-lambda.js';
