import type { Prediction, SamplerPlan } from '@harmonica/core';
import {
  assemblePlan,
  convertPrediction,
  describeLimits,
  eulerStage,
  flowPoint,
  heunStage,
  type NoisePoint,
  type PlanUpdate,
  type PredictionLimits,
} from '../plan.js';
import { createFlowSigmas, describeFlowSigmas, type FlowSigmaOptions } from './flow-sigmas.js';

/** Options of the samplers of flow matching's straight path `x = (1 - sigma) sample + sigma noise`. */
export type FlowPlanOptions = FlowSigmaOptions &
  PredictionLimits & {
    /** Noise levels that are visited, a positive integer. Not together with `sigmas`. */
    readonly steps?: number;
    /** What the model's output stands for. Default `'velocity'`, which is `noise - sample`. */
    readonly prediction?: Prediction;
  };

/** A model evaluation of a flow sampler: where it is made, and the update that follows. */
interface FlowStage {
  readonly point: NoisePoint;
  readonly update: PlanUpdate;
}

/**
 * A plan from a flow sampler's stages. Predictions are samples, so that they can be limited.
 *
 * @param input.stages the stages for points from the noisiest to sigma 0, the last of which is not visited
 * @throws {@link InvalidArgumentError} if an option is outside its range
 */
function createFlowPlan(input: {
  readonly sampler: string;
  readonly options: FlowPlanOptions;
  readonly settings: SamplerPlan['settings'];
  readonly stages: (path: readonly NoisePoint[]) => readonly FlowStage[];
}): SamplerPlan {
  const { sampler, options, settings, stages } = input;
  const { prediction = 'velocity', length = 1000 } = options;
  const sigmas = createFlowSigmas(options);
  const path = [...sigmas, 0].map((sigma) => flowPoint({ timestep: sigma * length, sigma }));
  return assemblePlan({
    sampler,
    prediction,
    process: 'flow',
    settings: {
      steps: sigmas.length,
      ...describeFlowSigmas(options),
      ...describeLimits(options),
      ...settings,
    },
    limits: options,
    rows: stages(path).map(({ point, update }) => ({
      timestep: point.timestep,
      toPrediction: convertPrediction({ from: prediction, to: 'sample', point }),
      ...update,
    })),
  });
}

/** Options of {@link createFlowEulerPlan}. */
export type FlowEulerPlanOptions = FlowPlanOptions & {
  /** Adds fresh noise to the predicted sample instead of going along the flow. Default false. */
  readonly stochastic?: boolean;
};

/**
 * Euler's method on flow matching's straight path, as Stable Diffusion 3 and Flux sample. First order.
 *
 * @throws {@link InvalidArgumentError} if an option is outside its range
 */
export function createFlowEulerPlan(options: FlowEulerPlanOptions): SamplerPlan {
  const { stochastic = false } = options;
  return createFlowPlan({
    sampler: 'flow-euler',
    options,
    settings: { stochastic },
    stages: (path) =>
      path.slice(1).map((to, index) => {
        const point = path[index] as NoisePoint;
        return { point, update: stochastic ? renoise(to) : eulerUpdate(point, to) };
      }),
  });
}

/** Euler's step between two points of the straight path, over sigma. */
function eulerUpdate(from: NoisePoint, to: NoisePoint): PlanUpdate {
  const drift = convertPrediction({ from: 'sample', to: 'velocity', point: from });
  const { history, noise } = eulerStage({ drift, dt: to.sigma - from.sigma });
  // Exactly 0 at the end, where 1 + dt / sigma may be off by a rounding error.
  return { carry: to.sigma / from.sigma, history, noise };
}

function renoise({ alpha, sigma }: NoisePoint): PlanUpdate {
  return { carry: 0, history: [alpha], noise: { kind: 'fixed', std: sigma } };
}

/**
 * Heun's method on flow matching's straight path. Second order, with two model evaluations, which are two steps of the
 * plan, for every noise level but the last, from which an Euler step leads to the sample.
 *
 * @throws {@link InvalidArgumentError} if an option is outside its range
 */
export function createFlowHeunPlan(options: FlowPlanOptions): SamplerPlan {
  return createFlowPlan({
    sampler: 'flow-heun',
    options,
    settings: {},
    stages: (path) =>
      path.slice(1).flatMap((to, index): FlowStage[] => {
        const point = path[index] as NoisePoint;
        const euler = { point, update: eulerUpdate(point, to) };
        return to.sigma === 0 ? [euler] : [euler, { point: to, update: heunUpdate(point, to) }];
      }),
  });
}

function heunUpdate(from: NoisePoint, to: NoisePoint): PlanUpdate {
  const driftAt = (point: NoisePoint) =>
    convertPrediction({ from: 'sample', to: 'velocity', point });
  return heunStage({ before: driftAt(from), drift: driftAt(to), dt: to.sigma - from.sigma });
}
