import {
  assertArgument,
  assertCount,
  assertOneOf,
  type Prediction,
  type SamplerPlan,
} from '@harmonica/core';
import { linspace } from '../numbers.js';
import {
  assemblePlan,
  convertPrediction,
  describeLimits,
  eulerStage,
  heunStage,
  type NoisePoint,
  type PlanRow,
  type PredictionLimits,
  refuseLimits,
} from '../plan.js';

/** Options of the samplers of SiT. */
export type SitPlanOptions = PredictionLimits & {
  /** Default `'linear'`. */
  readonly path?: SitPath;
  /** What the model's output stands for. Default `'velocity'`. */
  readonly prediction?: Prediction;
  /** Time to start from, in [0, 1). Default 0, for other than velocity models 0.001. */
  readonly start?: number;
};

/** Options of {@link createSitOdePlan}. */
export type SitOdePlanOptions = SitPlanOptions & {
  /** Steps of the method, a positive integer: one less than the points that the official code counts. */
  readonly steps: number;
  /** Default `'euler'`. `'heun'` makes two model evaluations per step, which are two steps of the plan. */
  readonly method?: 'euler' | 'heun';
  /** Time to stop at, after `start` and at most 1. Default 1, for other than velocity models 0.999. */
  readonly stop?: number;
};

/**
 * SiT's probability flow with steps of equal time, by Euler's or Heun's method (torchdiffeq's `euler` and `heun2` in the
 * official code). Ma et al. 2024.
 *
 * @throws {@link InvalidArgumentError} if an option is outside its range
 * @throws {@link IncompatibleError} if the model says nothing new at a visited time, as a noise model at time 0
 * @throws {@link UnsupportedError} for limits with Heun's method, which needs velocities where nothing of the noise is left
 */
export function createSitOdePlan(options: SitOdePlanOptions): SamplerPlan {
  const { path, prediction, method, margin } = sitOptions(options);
  const { start = margin, stop = 1 - margin, steps } = options;
  assertCount({ argument: 'steps', value: steps });
  assertTimes({ start, stop });
  const times = linspace({ start, stop, count: steps + 1 });
  const points = times.map((time) => sitPoint({ path, time }));
  const stages = { euler: eulerRows, heun: heunRows }[method];
  return assemblePlan({
    sampler: `sit-ode-${method}`,
    prediction,
    process: 'sit',
    settings: { path, steps, start, stop, ...describeLimits(options) },
    limits: options,
    rows: stages(points, prediction),
  });
}

function eulerRows(points: readonly NoisePoint[], prediction: Prediction): PlanRow[] {
  return points.slice(1).map((to, index) => {
    const point = points[index] as NoisePoint;
    const drift = convertPrediction({ from: 'sample', to: 'velocity', point });
    return {
      timestep: point.timestep,
      toPrediction: convertPrediction({ from: prediction, to: 'sample', point }),
      ...eulerStage({ drift, dt: to.timestep - point.timestep }),
    };
  });
}

/** The velocity is what is predicted, so the drift is the prediction. */
function heunRows(points: readonly NoisePoint[], prediction: Prediction): PlanRow[] {
  const drift = { x: 0, model: 1 };
  return points.slice(1).flatMap((to, index) => {
    const from = points[index] as NoisePoint;
    const dt = to.timestep - from.timestep;
    const stages = [eulerStage({ drift, dt }), heunStage({ before: drift, drift, dt })];
    return [from, to].map((point, i) => ({
      timestep: point.timestep,
      toPrediction: convertPrediction({ from: prediction, to: 'velocity', point }),
      ...(stages[i] as (typeof stages)[number]),
    }));
  });
}

/**
 * The options that both methods have, and the margin: how far from both ends of the path other than velocity models stay by
 * default, as the official code has it.
 *
 * @throws {@link InvalidArgumentError} if a name is unknown
 * @throws {@link UnsupportedError} for limits with Heun's method
 */
export function sitOptions(options: SitPlanOptions & { readonly method?: 'euler' | 'heun' }) {
  const { path = 'linear', prediction = 'velocity', method = 'euler' } = options;
  assertOneOf({ path }, ['linear', 'gvp']);
  assertOneOf({ method }, ['euler', 'heun']);
  if (method === 'heun') {
    refuseLimits(options, {
      method: "Heun's method, whose predictions are velocities,",
      fix: "Use method: 'euler'.",
    });
  }
  return { path, prediction, method, margin: prediction === 'velocity' ? 0 : 1e-3 };
}

/** Refuses times outside the path. @throws {@link InvalidArgumentError} */
export function assertTimes({ start, stop }: { readonly start: number; readonly stop: number }) {
  assertArgument(
    { start },
    `a time of 0 or more before the stop at ${stop}, which is at most 1`,
    start >= 0 && start < stop && stop <= 1,
  );
}

/**
 * How SiT mixes sample and noise at time t, from noise at 0 to samples at 1. `'linear'`: `t sample + (1 - t) noise`.
 * `'gvp'`, which preserves variance: `sin(pi t / 2) sample + cos(pi t / 2) noise`. SiT (Ma et al. 2024),
 * with time reversed as the official code has it.
 */
export type SitPath = 'linear' | 'gvp';

/** A point of a path. Its model time is t and its velocity the derivative of the mix by t: `sample - noise` if linear. */
export function sitPoint(options: { readonly path: SitPath; readonly time: number }): NoisePoint {
  const { path, time } = options;
  if (path === 'linear') {
    return { timestep: time, alpha: time, sigma: 1 - time, alphaSlope: 1, sigmaSlope: -1 };
  }
  const speed = Math.PI / 2;
  // The cosine as a sine of the time that is left, so that it is 0 at the end.
  const [sine, cosine] = [Math.sin(speed * time), Math.sin(speed * (1 - time))];
  return {
    timestep: time,
    alpha: sine,
    sigma: cosine,
    alphaSlope: speed * cosine,
    sigmaSlope: -speed * sine,
  };
}
