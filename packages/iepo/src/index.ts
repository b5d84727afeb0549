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
  type LambdaProxy,
  type ProxyOptions,
  proxyByName,
  proxyNames,
  proxyPredictors,
  registerProxy,
  type StepWeights,
  stepWeights,
} from './proxies.js';
export {
  choosePredictorsAlone,
  type SingleStepLambda,
  type SingleStepLambdaOptions,
  singleStepLambda,
} from './single-step-lambda.js';
export {
  type ScheduleErrorsOptions,
  type Swap,
  type SwappedSteps,
  type SwapStepsOptions,
  scheduleErrors,
  swapped,
  swapSteps,
} from './swap-steps.js';
