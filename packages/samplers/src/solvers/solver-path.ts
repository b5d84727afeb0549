import {
  assertArgument,
  IncompatibleError,
  type Prediction,
  type SamplerPlan,
} from '@harmonica/core';
import {
  createFlowSigmas,
  describeFlowSigmas,
  type FlowSigmaOptions,
} from '../flow/flow-sigmas.js';
import { roundHalfToEven } from '../numbers.js';
import {
  assemblePlan,
  convertPrediction,
  describeLimits,
  diffusionPoint,
  flowPoint,
  type NoisePoint,
  type PlanUpdate,
  type PredictionLimits,
  pureNoise,
  refuseLimits,
} from '../plan.js';
import {
  alphaBars,
  assertNoiseSchedule,
  createLinearSchedule,
  describeSchedule,
  type NoiseSchedule,
} from '../schedules/noise-schedule.js';
import { type SigmaSpacing, spaceSigmas } from '../schedules/sigma-spacing.js';
import { type SolverStepSelection, selectSolverTimesteps } from '../schedules/timesteps.js';
import type { SolverSpace } from './exponential-step.js';

/** How the model time of a noise level between two timesteps is made an integer, if at all. */
export type TimeRounding = 'nearest' | 'down' | 'none';

/** The noise levels that a solver visits: of a noise schedule or of a flow. */
export type SolverPathOptions = SchedulePathOptions | FlowPathOptions;

/** Levels of a diffusion. */
export type SchedulePathOptions = SolverStepSelection & {
  /** Default: {@link createLinearSchedule} of 1000 timesteps. */
  readonly schedule?: NoiseSchedule;
  /** Spreads as many noise levels over the whole schedule, instead of taking those of the timesteps. */
  readonly sigmaSpacing?: SigmaSpacing;
  /**
   * Model times of levels between timesteps. Default: `'nearest'` for `'karras'`, `'down'` for `'exponential'` and
   * `'beta'`, as in diffusers; otherwise `'none'`.
   */
  readonly timeRounding?: TimeRounding;
  /**
   * Where the last step leads: to the predicted sample (`'zero'`), or to the lowest level of the schedule (`'min'`), which
   * methods that integrate noise need. Defaults to what the method needs.
   */
  readonly finalSigma?: 'zero' | 'min';
  /** Leaves out timesteps with a log signal-to-noise ratio below this. -5.1 suits squared cosine. Default: none. */
  readonly minLogSnr?: number;
  readonly flow?: never;
};

/** Levels of flow matching's straight path, which ends on the sample. */
export interface FlowPathOptions {
  readonly flow: FlowSigmaOptions;
  /** Steps, a positive integer, unless the flow has levels of its own. */
  readonly steps?: number;
  /** Of the model times. Default `'none'`. */
  readonly timeRounding?: TimeRounding;
  readonly finalSigma?: 'zero';
  readonly timesteps?: never;
  readonly spacing?: never;
  readonly stepsOffset?: never;
  readonly schedule?: never;
  readonly sigmaSpacing?: never;
  readonly minLogSnr?: never;
}

/**
 * The points that a solver passes, the noisiest first: one for each step and the one where the last step leads.
 *
 * @throws {@link InvalidArgumentError} if an option is outside its range
 * @throws {@link IncompatibleError} if options of a noise schedule are given for a flow
 */
export function createSolverPath(options: SolverPathOptions): readonly NoisePoint[] {
  if (options.flow) return flowPath(options);
  const { schedule = createLinearSchedule(), finalSigma = 'zero' } = options;
  const levels = createLevels(schedule);
  const last = { zero: 0, min: levels[0] as number }[finalSigma];
  assertArgument({ finalSigma }, 'zero or min', last !== undefined);
  return [...visitedPoints(options, levels), diffusionPoint({ timestep: 0, ratio: last })];
}

/** The path's settings, for provenance. */
function describeSolverPath(options: SolverPathOptions): SamplerPlan['settings'] {
  const { timesteps, spacing = 'linspace', stepsOffset = 0, schedule, flow } = options;
  const { sigmaSpacing, finalSigma = 'zero', minLogSnr } = options;
  if (flow) {
    const ofFlow = Object.entries(describeFlowSigmas(flow));
    return {
      ...Object.fromEntries(ofFlow.map(([key, value]) => [`flow.${key}`, value])),
      steps: flow.sigmas?.length ?? options.steps ?? null,
      timeRounding: roundingOf(options),
    };
  }
  return {
    ...describeSchedule(schedule ?? createLinearSchedule()),
    spacing: sigmaSpacing ?? (timesteps ? 'explicit' : spacing),
    ...(spacing === 'leading' && { stepsOffset }),
    steps: timesteps ? timesteps.length : options.steps,
    ...((sigmaSpacing || spacing === 'continuous') && { timeRounding: roundingOf(options) }),
    finalSigma,
    minLogSnr: minLogSnr ?? null,
  };
}

/**
 * Noise over signal at every timestep. Where a schedule ends in pure noise it would be infinite: the share of the signal
 * counts as 2^-24 there.
 */
function createLevels(schedule: NoiseSchedule): readonly number[] {
  assertNoiseSchedule(schedule);
  return alphaBars(schedule.betas)
    .map((alphaBar) => Math.max(alphaBar, 2 ** -24))
    .map((alphaBar) => Math.sqrt((1 - alphaBar) / alphaBar));
}

function visitedPoints(options: SchedulePathOptions, levels: readonly number[]): NoisePoint[] {
  const { minLogSnr = Number.NEGATIVE_INFINITY, sigmaSpacing } = options;
  if (sigmaSpacing) return spacedPoints(options, levels, sigmaSpacing);
  const usable = levels.filter((ratio) => -Math.log(ratio) >= minLogSnr).length;
  assertArgument(
    { minLogSnr },
    `at most ${-Math.log(levels[0] as number)}, the highest of the schedule`,
    usable !== 0,
  );
  return selectSolverTimesteps({ ...options, length: levels.length, usable }).map((time) =>
    diffusionPoint({ timestep: round(time, roundingOf(options)), ratio: levelAt(time, levels) }),
  );
}

/** Noise over signal at any time, interpolated in ln alpha, which is `-ln(1 + ratio^2) / 2`. */
function levelAt(time: number, levels: readonly number[]): number {
  const below = Math.floor(time);
  const share = time - below;
  const low = levels[below] as number;
  if (share === 0) return low;
  const logs = [low, levels[below + 1] as number].map((ratio) => Math.log1p(ratio ** 2));
  return Math.sqrt(Math.expm1((1 - share) * (logs[0] as number) + share * (logs[1] as number)));
}

function spacedPoints(
  options: SchedulePathOptions,
  levels: readonly number[],
  spacing: SigmaSpacing,
): NoisePoint[] {
  const { steps, spacing: ofTimesteps, minLogSnr } = options;
  assertArgument(
    { sigmaSpacing: spacing },
    'steps, and no timesteps, spacing or minLogSnr besides it',
    steps !== undefined && ofTimesteps === undefined && minLogSnr === undefined,
  );
  const [min, max] = [levels[0] as number, levels.at(-1) as number];
  const logLevels = levels.map(Math.log);
  return spaceSigmas({ spacing, max, min, count: steps }).map((ratio) => {
    const time = timestepOf(Math.log(ratio), logLevels);
    return diffusionPoint({ timestep: round(time, roundingOf(options)), ratio });
  });
}

/** Timestep of a noise level, interpolated between the logarithms of those of the schedule. */
function timestepOf(logRatio: number, logLevels: readonly number[]): number {
  const above = logLevels.findIndex((level) => level >= logRatio);
  if (above <= 0) return above === 0 ? 0 : logLevels.length - 1;
  const [low, high] = [logLevels[above - 1] as number, logLevels[above] as number];
  return above - 1 + (logRatio - low) / (high - low);
}

function roundingOf({ timeRounding, sigmaSpacing }: SolverPathOptions): TimeRounding {
  if (timeRounding !== undefined) return timeRounding;
  if (!sigmaSpacing) return 'none';
  return sigmaSpacing === 'karras' ? 'nearest' : 'down';
}

const ROUNDINGS: Readonly<Record<TimeRounding, (time: number) => number>> = {
  nearest: roundHalfToEven,
  down: Math.floor,
  none: (time) => time,
};

function round(time: number, timeRounding: TimeRounding): number {
  const isKnown = Object.hasOwn(ROUNDINGS, timeRounding);
  assertArgument({ timeRounding }, 'nearest, down or none', isKnown);
  return ROUNDINGS[timeRounding](time);
}

function flowPath(options: FlowPathOptions): NoisePoint[] {
  refuseScheduleOptions(options);
  const { steps, flow } = options;
  const { length = 1000 } = flow;
  const sigmas = createFlowSigmas({ ...flow, ...(steps !== undefined && { steps }) });
  return [
    ...sigmas.map((sigma) => {
      // The log signal-to-noise ratio of pure noise is infinite.
      const below = Math.min(sigma, 1 - 1e-6);
      const timestep = round(below * length, roundingOf(options));
      return flowPoint({ timestep, sigma: below });
    }),
    flowPoint({ timestep: 0, sigma: 0 }),
  ];
}

/** For callers whose types are not checked. */
function refuseScheduleOptions(options: FlowPathOptions): void {
  const { schedule, timesteps, spacing, sigmaSpacing, finalSigma, minLogSnr } = options;
  const given = { schedule, timesteps, spacing, sigmaSpacing, finalSigma, minLogSnr };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || (name === 'finalSigma' && value === 'zero')) continue;
    throw new IncompatibleError({
      what: name,
      actual: value,
      expected: 'nothing, because a flow has no noise schedule',
      fix: 'Use the options of flow.',
    });
  }
}

/** Options that every exponential integrator takes. */
export type SolverPlanOptions = SolverPathOptions &
  PredictionLimits & {
    /** What the model's output stands for. Default `'epsilon'`, for flows `'velocity'`. */
    readonly prediction?: Prediction;
  };

/** Options of {@link createSolverPlan}. */
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
  // The path counts pure noise as almost pure; a noise model's output says nothing about the sample there all the same.
  const startsPure = options.schedule && alphaBars(options.schedule.betas).at(-1) === 0;
  if (prediction === 'epsilon' && startsPure) throw pureNoise(prediction);
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
