import {
  assertArgument,
  IncompatibleError,
  InvalidArgumentError,
  type NoiseProcess,
  NonFiniteError,
  type PlanStep,
  type Prediction,
  type SamplerPlan,
  UnsupportedError,
} from '@harmonica/core';

/** What a sampler decides for a step: `x' = carry * x + sum_j history[j] * p[n - j] + noise`, p the predictions. */
export type PlanUpdate = Pick<PlanStep, 'carry' | 'history' | 'noise'>;

/** A step before its limits. */
export type PlanRow = PlanUpdate & Pick<PlanStep, 'timestep' | 'toPrediction'>;

interface AssemblePlanOptions {
  /** Name of the method. */
  readonly sampler: string;
  readonly prediction: Prediction;
  /** Default `'diffusion'`, which the plan leaves unsaid. */
  readonly process?: NoiseProcess | undefined;
  readonly settings: SamplerPlan['settings'];
  readonly limits: PredictionLimits;
  /** Default 1. */
  readonly initialStd?: number;
  readonly rows: readonly PlanRow[];
}

/**
 * A plan from its steps.
 *
 * @throws {@link InvalidArgumentError} if a limit is outside its range, or a step reads what was not made before it
 * @throws {@link NonFiniteError} if a step holds NaN or infinity
 */
export function assemblePlan(options: AssemblePlanOptions): SamplerPlan {
  const { sampler, prediction, process, settings, limits, initialStd = 1, rows } = options;
  const limit = limitFields(limits);
  const steps = rows.map((row, step) => {
    assertRow(row, step);
    const { timestep, toPrediction, carry, history, noise } = row;
    return { timestep, toPrediction, ...limit, carry, history, noise };
  });
  return {
    version: 1,
    sampler,
    prediction,
    ...(process && { process }),
    settings,
    initialStd,
    steps,
  };
}

function assertRow({ timestep, toPrediction, carry, history, noise }: PlanRow, step: number): void {
  const { kind: _, ...ofNoise } = noise;
  const { x, model } = toPrediction;
  const numbers = [timestep, x, model, carry, ...history, ...Object.values(ofNoise).flat()];
  if (!numbers.every(Number.isFinite)) throw new NonFiniteError({ site: 'sampler plan', step });
  assertArgument(
    { [`history of step ${step}`]: history },
    `1 to ${step + 1} factors, one for each prediction made so far`,
    history.length >= 1 && history.length <= step + 1,
  );
  const { earlier = [] } = { ...(noise.kind === 'fixed' && noise) };
  assertArgument(
    { [`noise of step ${step}`]: earlier },
    `at most ${step} factors of earlier noise, one for each step before`,
    earlier.length <= step,
  );
}

/** Bounds of predicted samples, for methods whose predictions are samples. At most one of the two. */
export interface PredictionLimits {
  /** Range that predicted samples are clipped to, in units of the latent. Default: no clipping. */
  readonly clip?: NonNullable<PlanStep['clip']>;
  /** Dynamic thresholding, for models of pixels rather than latents. Default: none. */
  readonly threshold?: NonNullable<PlanStep['threshold']>;
}

/**
 * The limits as fields of a step.
 *
 * @throws {@link InvalidArgumentError} if a limit is outside its range, or both are given
 */
export function limitFields({ clip, threshold }: PredictionLimits): PredictionLimits {
  assertArgument({ threshold }, 'at most one of clip and threshold', !(clip && threshold));
  if (clip) assertClip(clip);
  if (threshold) assertThreshold(threshold);
  return {
    ...(clip && { clip: { min: clip.min, max: clip.max } }),
    ...(threshold && { threshold: { ratio: threshold.ratio, max: threshold.max } }),
  };
}

/** The limits' settings, for provenance. */
export function describeLimits({ clip, threshold }: PredictionLimits): SamplerPlan['settings'] {
  return {
    clipMin: clip?.min ?? null,
    clipMax: clip?.max ?? null,
    ...(threshold && { thresholdRatio: threshold.ratio, thresholdMax: threshold.max }),
  };
}

/**
 * Refuses limits for a method whose predictions are not samples.
 *
 * @throws {@link UnsupportedError}
 */
export function refuseLimits(
  limits: PredictionLimits,
  options: { readonly method: string; readonly fix: string },
): void {
  const feature = limits.clip ? 'clipping of samples' : 'dynamic thresholding';
  const { method, fix } = options;
  if (limits.clip || limits.threshold) throw new UnsupportedError({ feature, engine: method, fix });
}

function assertClip({ min, max }: NonNullable<PlanStep['clip']>): void {
  assertArgument(
    { clip: { min, max } },
    'finite numbers with min < max',
    Number.isFinite(min) && Number.isFinite(max) && min < max,
  );
}

function assertThreshold({ ratio, max }: NonNullable<PlanStep['threshold']>): void {
  assertArgument(
    { threshold: { ratio, max } },
    'a ratio in (0, 1] and a max of 1 or more',
    ratio > 0 && ratio <= 1 && Number.isFinite(max) && max >= 1,
  );
}

interface ConvertPredictionOptions {
  /** What is known besides the latent. */
  readonly from: Prediction;
  /** What is wanted. */
  readonly to: Prediction;
  readonly point: NoisePoint;
}

/**
 * Factors of the latent x and of one prediction m that give another: `x` and `m` are two combinations of sample and noise,
 * the wanted one is a third.
 *
 * @throws {@link InvalidArgumentError} if a prediction is unknown
 * @throws {@link IncompatibleError} if x and m say the same at this point: noise at alpha 0, a sample at sigma 0
 */
export function convertPrediction(options: ConvertPredictionOptions): PlanStep['toPrediction'] {
  const { from, to, point } = options;
  const known = combinationOf(from, point);
  const wanted = combinationOf(to, point);
  if (from === to) return { x: 0, model: 1 };
  const { alpha, sigma } = point;
  const determinant = alpha * known.noise - sigma * known.sample;
  if (determinant === 0) {
    throw new IncompatibleError({
      what: 'prediction',
      actual: from,
      expected: `one that tells more than the latent does at alpha ${alpha}, sigma ${sigma}`,
      fix: alpha === 0 ? 'Use a model that predicts the sample or the velocity.' : 'Stop earlier.',
    });
  }
  // Adding 0 turns -0, which JSON does not keep, into 0.
  return {
    x: (wanted.sample * known.noise - wanted.noise * known.sample) / determinant + 0,
    model: (alpha * wanted.noise - sigma * wanted.sample) / determinant + 0,
  };
}

/** A noise model that is to start from a schedule's pure noise. */
export function pureNoise(prediction: Prediction): IncompatibleError {
  return new IncompatibleError({
    what: 'prediction',
    actual: prediction,
    expected: 'sample or velocity, because the schedule ends in pure noise',
    fix: 'Use a model that predicts one of these, or do not rescale to zero terminal SNR.',
  });
}

/** For callers whose types are not checked. */
export function refusePrediction(prediction: never): never {
  const expected = 'epsilon, sample or velocity';
  throw new InvalidArgumentError({ argument: 'prediction', value: prediction, expected });
}

function combinationOf(prediction: Prediction, { alphaSlope, sigmaSlope }: NoisePoint) {
  switch (prediction) {
    case 'sample':
      return { sample: 1, noise: 0 };
    case 'epsilon':
      return { sample: 0, noise: 1 };
    case 'velocity':
      return { sample: alphaSlope, noise: sigmaSlope };
    default:
      return refusePrediction(prediction);
  }
}

/** A point of a path `x = alpha * sample + sigma * noise` that leads from noise to samples. Dimensionless. */
export interface NoisePoint {
  /** Model time. */
  readonly timestep: number;
  /** Factor of the sample, 1 at the end of the path. */
  readonly alpha: number;
  /** Factor of the noise, 0 at the end of the path. */
  readonly sigma: number;
  /** Velocity models predict `alphaSlope * sample + sigmaSlope * noise`. */
  readonly alphaSlope: number;
  readonly sigmaSlope: number;
}

/** Half the logarithm of the signal-to-noise ratio, `ln(alpha / sigma)`: lambda of the DPM-Solver papers. */
export function logSnr({ alpha, sigma }: NoisePoint): number {
  return Math.log(alpha / sigma);
}

/**
 * A point of a variance-preserving diffusion, where `alpha^2 + sigma^2 = 1`. Its velocity is
 * `alpha * noise - sigma * sample` (Salimans and Ho 2022, Appendix D).
 *
 * @param options.ratio noise over signal, `sigma / alpha`, 0 or more: the sigma of Karras et al. (2022)
 */
export function diffusionPoint(options: {
  readonly timestep: number;
  readonly ratio: number;
}): NoisePoint {
  const { timestep, ratio } = options;
  const alpha = 1 / Math.sqrt(1 + ratio * ratio);
  const sigma = ratio * alpha;
  return { timestep, alpha, sigma, alphaSlope: 0 - sigma, sigmaSlope: alpha };
}

/** A point of flow matching's straight path, `x = (1 - sigma) sample + sigma noise`. Its velocity is `noise - sample`. */
export function flowPoint(options: {
  readonly timestep: number;
  readonly sigma: number;
}): NoisePoint {
  const { timestep, sigma } = options;
  return { timestep, alpha: 1 - sigma, sigma, alphaSlope: -1, sigmaSlope: 1 };
}

/** A drift `dx/dt = x * latent + model * prediction` at one point. */
export type Drift = PlanStep['toPrediction'];

/** Euler's step: `x' = x + dt * drift`. */
export function eulerStage(options: { readonly drift: Drift; readonly dt: number }): PlanUpdate {
  const { drift, dt } = options;
  return {
    carry: 1 + dt * drift.x,
    history: [dt * drift.model],
    noise: { kind: 'fixed', std: 0 },
  };
}

/**
 * The second half of Heun's step, after {@link eulerStage}: the latent moves by half of the difference between the drifts at
 * both ends. The drift at the start is worked out from the current latent and the prediction before this one.
 */
export function heunStage(options: {
  /** At the start of the step. */
  readonly before: Drift;
  /** At its end. */
  readonly drift: Drift;
  readonly dt: number;
}): PlanUpdate {
  const { before, drift, dt } = options;
  const growth = 1 + dt * before.x;
  return {
    carry: 1 + (dt / 2) * (drift.x - before.x / growth),
    history: [(dt / 2) * drift.model, (-(dt / 2) * before.model) / growth],
    noise: { kind: 'fixed', std: 0 },
  };
}
