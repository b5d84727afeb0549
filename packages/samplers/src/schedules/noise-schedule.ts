import { assertArgument, assertCount, assertOneOf, type SamplerPlan } from '@harmonica/core';
import { linspace } from '../numbers.js';

/**
 * A variance-preserving diffusion process `x[t] = sqrt(1 - betas[t]) x[t-1] + sqrt(betas[t]) z` as data. Plain JSON; any
 * betas will do, not only those of the functions below.
 */
export interface NoiseSchedule {
  /** For people and provenance. */
  readonly name: string;
  /** The settings that the betas were made from, for provenance. */
  readonly settings: SamplerPlan['settings'];
  /** Dimensionless variances in (0, 1], by timestep. Only the last may be 1. */
  readonly betas: readonly number[];
}

/** Names that {@link createNoiseSchedule} knows. */
export type NoiseScheduleName = 'linear' | 'scaled-linear' | 'squared-cosine';

/** Length and range of a schedule of betas. The defaults of the range are those of each schedule. */
export interface BetaRangeOptions {
  /** Timesteps, a positive integer. Default 1000. */
  readonly length?: number;
  /** Beta of timestep 0. */
  readonly betaStart?: number;
  /** Beta of the last timestep. */
  readonly betaEnd?: number;
}

/**
 * Betas that rise evenly from `betaStart` (default 1e-4) to `betaEnd` (default 2e-2), both meant for 1000 timesteps and
 * scaled by `1000 / length` for other lengths. DDPM (2020), Section 4; scaling as in Improved DDPM. At its default range
 * it needs 20 timesteps or more, so that no beta exceeds 1.
 *
 * @throws {@link InvalidArgumentError} if the length is not a positive integer or a beta leaves (0, 1]
 */
export function createLinearSchedule(options: BetaRangeOptions = {}): NoiseSchedule {
  const { length = 1000, betaStart = 1e-4, betaEnd = 2e-2 } = options;
  assertCount({ argument: 'length', value: length });
  const scale = 1000 / length;
  const betas = linspace({ start: scale * betaStart, stop: scale * betaEnd, count: length });
  return checked({ name: 'linear', settings: { betaStart, betaEnd }, betas });
}

/**
 * Betas whose square roots rise evenly from `betaStart` (default 0.00085) to `betaEnd` (default 0.012), whatever the
 * length. Latent Diffusion (2022), the schedule of Stable Diffusion.
 *
 * @throws {@link InvalidArgumentError} if the length is not a positive integer or a beta leaves (0, 1]
 */
export function createScaledLinearSchedule(options: BetaRangeOptions = {}): NoiseSchedule {
  const { length = 1000, betaStart = 0.00085, betaEnd = 0.012 } = options;
  assertCount({ argument: 'length', value: length });
  const roots = linspace({
    start: Math.sqrt(betaStart),
    stop: Math.sqrt(betaEnd),
    count: length,
  });
  const betas = roots.map((root) => root * root);
  return checked({ name: 'scaled-linear', settings: { betaStart, betaEnd }, betas });
}

/** Options of the squared-cosine schedule. */
export interface SquaredCosineOptions {
  /** Timesteps, a positive integer. Default 1000. */
  readonly length?: number;
  /** Upper bound of every beta. Default 0.999. */
  readonly maxBeta?: number;
}

/**
 * Betas of the cumulative product `alphaBar(u) = cos^2((u + 0.008) / 1.008 * pi / 2)`, u = t / length. Improved DDPM
 * (2021), Eq. 17.
 *
 * @throws {@link InvalidArgumentError} if the length is not a positive integer or a beta leaves (0, 1]
 */
export function createSquaredCosineSchedule(options: SquaredCosineOptions = {}): NoiseSchedule {
  const { length = 1000, maxBeta = 0.999 } = options;
  assertCount({ argument: 'length', value: length });
  const betas = Array.from({ length }, (_, t) =>
    Math.min(1 - squaredCosine((t + 1) / length) / squaredCosine(t / length), maxBeta),
  );
  return checked({ name: 'squared-cosine', settings: { maxBeta }, betas });
}

/**
 * A schedule by name, at its default range.
 *
 * @param options.length timesteps, a positive integer; default 1000
 * @throws {@link InvalidArgumentError} if the name is unknown or the length is not a positive integer
 */
export function createNoiseSchedule(options: {
  readonly name: NoiseScheduleName;
  readonly length?: number;
}): NoiseSchedule {
  const { name, length = 1000 } = options;
  assertOneOf({ name }, Object.keys(creators));
  return creators[name]({ length });
}

const creators: Record<NoiseScheduleName, (options: { length: number }) => NoiseSchedule> = {
  linear: createLinearSchedule,
  'scaled-linear': createScaledLinearSchedule,
  'squared-cosine': createSquaredCosineSchedule,
};

/** `alphaBar[t]`, the product of `1 - beta` up to and including t: the share of the sample's variance left at t. */
export function alphaBars(betas: readonly number[]): number[] {
  let product = 1;
  return betas.map((beta) => {
    product *= 1 - beta;
    return product;
  });
}

/**
 * Refuses a schedule that is empty, holds a beta outside (0, 1] or has no signal left before its last timestep.
 *
 * @throws {@link InvalidArgumentError}
 */
export function assertNoiseSchedule({ betas }: NoiseSchedule): void {
  assertCount({ argument: 'schedule.betas.length', value: betas.length });
  const outside = betas.findIndex((beta) => !(1 - beta < 1 && beta <= 1));
  assertArgument(
    { [`schedule.betas[${outside}]`]: betas[outside] },
    'a number in (0, 1]',
    outside < 0,
  );
  const exhausted = alphaBars(betas).indexOf(0);
  assertArgument(
    { [`schedule.betas[${exhausted}]`]: betas[exhausted] },
    'a schedule that keeps some signal up to its last timestep',
    exhausted < 0 || exhausted === betas.length - 1,
  );
}

/** The schedule's settings under names of a plan's settings, for provenance. */
export function describeSchedule({
  name,
  betas,
  settings,
}: NoiseSchedule): SamplerPlan['settings'] {
  const own = Object.entries(settings).map(([key, value]) => [`schedule.${key}`, value]);
  return { schedule: name, 'schedule.length': betas.length, ...Object.fromEntries(own) };
}

function checked(schedule: NoiseSchedule): NoiseSchedule {
  assertNoiseSchedule(schedule);
  return schedule;
}

function squaredCosine(u: number): number {
  const cosine = Math.cos((((u + 0.008) / 1.008) * Math.PI) / 2);
  return cosine * cosine;
}

/**
 * The schedule with `sqrt(alphaBar)` shifted and scaled so that it is 0 at the last timestep and unchanged at the first:
 * sampling then starts from what training saw, pure noise. Lin et al. (2023), Algorithm 1. At alphaBar 0 the noise says
 * nothing about the sample, so a plan that visits the last timestep needs a model that predicts the sample or velocity.
 *
 * @throws {@link InvalidArgumentError} if the schedule is not valid or has fewer than 2 timesteps
 */
export function rescaleToZeroTerminalSnr(schedule: NoiseSchedule): NoiseSchedule {
  assertNoiseSchedule(schedule);
  const roots = alphaBars(schedule.betas).map(Math.sqrt);
  const [first] = roots;
  const last = roots.at(-1);
  assertArgument(
    { 'schedule.betas.length': schedule.betas.length },
    'an integer of 2 or more',
    first !== undefined && last !== undefined && roots.length > 1,
  );
  const scale = first / (first - last);
  const rescaled = roots.map((root) => ((root - last) * scale) ** 2);
  const betas = rescaled.map((alphaBar, t) => 1 - alphaBar / (rescaled[t - 1] ?? 1));
  return { name: schedule.name, settings: { ...schedule.settings, zeroTerminalSnr: true }, betas };
}
