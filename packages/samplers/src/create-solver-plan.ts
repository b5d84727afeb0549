import { IncompatibleError, type Prediction, type SamplerPlan } from '@harmonica/core';
import { assemblePlan, type PlanUpdate } from './assemble-plan.js';
import { convertPrediction } from './convert-prediction.js';
import type { SolverSpace } from './exponential-step.js';
import type { NoisePoint } from './noise-point.js';
import { alphaBars } from './noise-schedule.js';
import { describeLimits, type PredictionLimits, refuseLimits } from './prediction-limits.js';
import { createSolverPath, describeSolverPath, type SolverPathOptions } from './solver-path.js';

/** Options that every exponential integrator takes. */
export type SolverPlanOptions = SolverPathOptions &
  PredictionLimits & {
    /** What the model's output stands for. Default `'epsilon'`, for flows `'velocity'`. */
    readonly prediction?: Prediction;
  };

export interface CreateSolverPlanOptions {
  /** Name of the method. */
  readonly sampler: string;
  readonly options: SolverPlanOptions;
  /** What the method integrates. */
  readonly space: SolverSpace;
  /** The method's final sigma, unless the options say otherwise. Default `'zero'` for samples, `'min'` for noise. */
  readonly finalSigma?: 'zero' | 'min';
  /** The method's own settings, recorded in the plan. */
  readonly settings: SamplerPlan['settings'];
  /** The method itself: the updates of all steps, step i leading from `path[i]` to `path[i + 1]`. */
  readonly updates: (path: readonly NoisePoint[]) => readonly PlanUpdate[];
}

/**
 * A plan from an exponential integrator's update rule: selects the noise levels, converts model outputs to what the method
 * integrates, and records all settings.
 *
 * @throws {@link InvalidArgumentError} if an option is outside its range
 * @throws {@link IncompatibleError} if options contradict each other, or a noise model is to start from pure noise
 * @throws {@link UnsupportedError} if limits are given to a method that integrates noise
 */
export function createSolverPlan(input: CreateSolverPlanOptions): SamplerPlan {
  const { sampler, space, settings, updates } = input;
  const options = withFinalSigma(input);
  const { prediction = options.flow ? 'velocity' : 'epsilon' } = options;
  if (space === 'epsilon') refuseLimits(options, NOISE_HAS_NO_RANGE);
  refusePureNoise(options, prediction);
  const path = createSolverPath(options);
  const rows = updates(path).map((update, index) => {
    const point = path[index] as NoisePoint;
    const toPrediction = convertPrediction({ from: prediction, to: space, point });
    return { timestep: point.timestep, toPrediction, ...update };
  });
  return assemblePlan({
    sampler,
    prediction,
    process: options.flow && 'flow',
    settings: { ...describeSolverPath(options), ...describeLimits(options), ...settings },
    limits: options,
    rows,
  });
}

function withFinalSigma(input: CreateSolverPlanOptions): SolverPlanOptions {
  const { options, space, finalSigma = space === 'sample' ? 'zero' : 'min' } = input;
  // A flow always ends on the sample.
  if (options.flow || options.finalSigma !== undefined) return options;
  return { ...options, finalSigma };
}

const NOISE_HAS_NO_RANGE = {
  method: 'A method that integrates predicted noise',
  fix: 'Use a method that integrates samples, such as DPM-Solver++.',
};

/** The path counts pure noise as almost pure; a noise model's output says nothing about the sample there all the same. */
function refusePureNoise({ schedule }: SolverPlanOptions, prediction: Prediction): void {
  if (prediction !== 'epsilon' || !schedule || alphaBars(schedule.betas).at(-1) !== 0) return;
  throw new IncompatibleError({
    what: 'prediction',
    actual: prediction,
    expected: 'sample or velocity, because the schedule ends in pure noise',
    fix: 'Use a model that predicts one of these, or do not rescale to zero terminal SNR.',
  });
}
