import type { PlanStep, Prediction, SamplerPlan } from '@harmonica/core';
import {
  assemblePlan,
  describeLimits,
  type PlanUpdate,
  type PredictionLimits,
  pureNoise,
  refusePrediction,
} from '../plan.js';
import { createNoiseLevels, type NoiseLevel } from '../schedules/noise-level.js';
import {
  createLinearSchedule,
  describeSchedule,
  type NoiseSchedule,
} from '../schedules/noise-schedule.js';
import { type Respacing, type StepSelection, selectTimesteps } from '../schedules/timesteps.js';

/** Options that every sampler takes: which steps of which noise schedule, for which kind of model. */
export type PlanOptions = StepSelection &
  PredictionLimits & {
    /** Default: {@link createLinearSchedule} of 1000 timesteps. */
    readonly schedule?: NoiseSchedule;
    /** What the model's output stands for. Default `'epsilon'`. */
    readonly prediction?: Prediction;
  };

/** Options of {@link createSamplerPlan}. */
export interface CreateSamplerPlanOptions {
  /** Name of the method. */
  readonly sampler: string;
  readonly options: PlanOptions;
  /** The method's own settings, recorded in the plan. */
  readonly settings: SamplerPlan['settings'];
  /** The method itself, for step `index` of `levels`. */
  readonly update: (level: NoiseLevel, index: number, levels: readonly NoiseLevel[]) => PlanUpdate;
}

/**
 * A plan from a method's update rule: selects the steps, converts model outputs to predicted samples and records all
 * settings. Every sampler is one such rule.
 *
 * @throws {@link InvalidArgumentError} if an option is outside its range, or the rule reads predictions not yet made
 * @throws {@link IncompatibleError} if an epsilon model is to start from a schedule's pure noise
 * @throws {@link NonFiniteError} if the rule gives NaN or infinity
 */
export function createSamplerPlan(input: CreateSamplerPlanOptions): SamplerPlan {
  const { sampler, options, settings, update } = input;
  const { schedule = createLinearSchedule(), prediction = 'epsilon' } = options;
  const timesteps = selectTimesteps({ ...options, length: schedule.betas.length });
  const levels = createNoiseLevels({ schedule, timesteps });
  const rows = levels.map((level, index) => ({
    timestep: level.timestep,
    toPrediction: toSample({ prediction, alphaBar: level.alphaBar }),
    ...update(level, index, levels),
  }));
  return assemblePlan({
    sampler,
    prediction,
    settings: { ...describe(options, schedule), ...settings },
    limits: options,
    rows,
  });
}

function describe(options: PlanOptions, schedule: NoiseSchedule): SamplerPlan['settings'] {
  const { steps, timesteps, spacing = 'guided-diffusion', stepsOffset = 0 } = options;
  return {
    ...describeSchedule(schedule),
    spacing: timesteps ? 'explicit' : spacing,
    ...(spacing === 'leading' && { stepsOffset }),
    steps: timesteps ? timesteps.length : describeRespacing(steps),
    ...describeLimits(options),
  };
}

function describeRespacing(respacing: Respacing): number | string {
  return typeof respacing === 'object' ? respacing.join(',') : respacing;
}

/** Options of {@link toSample}. */
export interface ToSampleOptions {
  /** What the model's output stands for. */
  readonly prediction: Prediction;
  /** Share of the sample's variance in the latent, in [0, 1). */
  readonly alphaBar: number;
}

/**
 * Factors of the latent x and the model output m that give the clean sample, with a = sqrt(alphaBar) and
 * s = sqrt(1 - alphaBar): epsilon `(x - s m) / a` (DDPM 2020, Eq. 15), sample `m`, velocity `a x - s m`
 * (Salimans and Ho 2022, Appendix D).
 *
 * @throws {@link InvalidArgumentError} if the prediction is unknown
 * @throws {@link IncompatibleError} for epsilon at alphaBar 0, where x holds nothing of the sample
 */
export function toSample({ prediction, alphaBar }: ToSampleOptions): PlanStep['toPrediction'] {
  switch (prediction) {
    case 'epsilon':
      if (alphaBar === 0) throw pureNoise(prediction);
      return { x: Math.sqrt(1 / alphaBar), model: -Math.sqrt(1 / alphaBar - 1) };
    case 'sample':
      return { x: 0, model: 1 };
    case 'velocity':
      return { x: Math.sqrt(alphaBar), model: -Math.sqrt(1 - alphaBar) };
    default:
      return refusePrediction(prediction);
  }
}
