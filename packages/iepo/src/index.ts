export type { LambdaOptions, RunPart } from './forks.js';
export type { FinalErrorsOptions, SteppedSchedule } from './image-error.js';
export {
  type ChoosePredictorsOptions,
  choosePredictors,
  type MarginalLambda,
  type MarginalLambdaOptions,
  marginalLambda,
} from './marginal-lambda.js';
export { type ObjectiveOptions, type ObjectiveTerms, objective } from './objective.js';
export { cumulativeLambda, leaveOneOutLambda } from './paper-lambda.js';
export {
  type ChoosePredictorsAloneOptions,
  choosePredictorsAlone,
  type SingleStepLambda,
  type SingleStepLambdaOptions,
  singleStepLambda,
} from './single-step-lambda.js';
export {
  type Exchange,
  type ExchangedSteps,
  type ExchangeStepsOptions,
  exchanged,
  exchangeSteps,
  type ScheduleErrorsOptions,
  scheduleErrors,
} from './swap-steps.js';
