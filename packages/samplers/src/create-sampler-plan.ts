import {
  InvalidArgumentError,
  NonFiniteError,
  type PlanStep,
  type Prediction,
  type SamplerPlan,
} from '@harmonica/core';
import { createNoiseLevels, type NoiseLevel } from './noise-level.js';
import { createLinearSchedule, type NoiseSchedule } from './noise-schedule.js';
import { type Respacing, type StepSelection, selectTimesteps } from './respace.js';
import { toSample } from './to-sample.js';

/** Options that every sampler takes: which steps of which noise schedule, for which kind of model. */
export type PlanOptions = StepSelection & {
  /** Default: {@link createLinearSchedule} of 1000 timesteps. */
  readonly schedule?: NoiseSchedule;
  /** What the model's output stands for. Default `'epsilon'`. */
  readonly prediction?: Prediction;
  /** Range that predicted samples are clipped to, in units of the latent. Default: no clipping. */
  readonly clip?: NonNullable<PlanStep['clip']>;
};

/** What a sampler decides for a step: `x' = carry * x + sum_j history[j] * p[n - j] + noise`, p the predicted samples. */
export type PlanUpdate = Pick<PlanStep, 'carry' | 'history' | 'noise'>;

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
  const { schedule = createLinearSchedule(), prediction = 'epsilon', clip } = options;
  assertClip(clip);
  const timesteps = selectTimesteps({ ...options, length: schedule.betas.length });
  const levels = createNoiseLevels({ schedule, timesteps });
  const steps = levels.map((level, index) => ({
    timestep: level.timestep,
    toPrediction: toSample({ prediction, alphaBar: level.alphaBar }),
    ...(clip && { clip: { min: clip.min, max: clip.max } }),
    ...checked(update(level, index, levels), index),
  }));
  return {
    version: 1,
    sampler,
    prediction,
    settings: { ...describe(options, schedule), ...settings },
    initialStd: 1,
    steps,
  };
}

function describe(options: PlanOptions, schedule: NoiseSchedule): SamplerPlan['settings'] {
  const { steps, timesteps, spacing = 'guided-diffusion', clip } = options;
  const ofSchedule = Object.entries(schedule.settings).map(([key, value]) => [
    `schedule.${key}`,
    value,
  ]);
  return {
    schedule: schedule.name,
    'schedule.length': schedule.betas.length,
    ...Object.fromEntries(ofSchedule),
    spacing: timesteps ? 'explicit' : spacing,
    steps: timesteps ? timesteps.length : describeRespacing(steps),
    clipMin: clip?.min ?? null,
    clipMax: clip?.max ?? null,
  };
}

function describeRespacing(respacing: Respacing): number | string {
  return typeof respacing === 'object' ? respacing.join(',') : respacing;
}

function assertClip(clip: PlanOptions['clip']): void {
  if (!clip) return;
  const { min, max } = clip;
  if (Number.isFinite(min) && Number.isFinite(max) && min < max) return;
  throw new InvalidArgumentError({
    argument: 'clip',
    value: clip,
    expected: 'finite numbers with min < max',
  });
}

function checked(update: PlanUpdate, step: number): PlanUpdate {
  const { carry, history, noise } = update;
  const { kind: _, ...numbers } = noise;
  if (![carry, ...history, ...Object.values(numbers)].every(Number.isFinite)) {
    throw new NonFiniteError({ site: 'sampler plan', step });
  }
  if (history.length < 1 || history.length > step + 1) {
    throw new InvalidArgumentError({
      argument: `history of step ${step}`,
      value: history,
      expected: `1 to ${step + 1} factors, one for each prediction made so far`,
    });
  }
  return { carry, history, noise };
}
