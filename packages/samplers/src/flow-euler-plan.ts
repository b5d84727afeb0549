import type { SamplerPlan } from '@harmonica/core';
import type { PlanUpdate } from './assemble-plan.js';
import { convertPrediction } from './convert-prediction.js';
import { createFlowPlan, type FlowPlanOptions } from './flow-plan.js';
import type { NoisePoint } from './noise-point.js';
import { eulerStage } from './ode-stages.js';

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
export function eulerUpdate(from: NoisePoint, to: NoisePoint): PlanUpdate {
  const drift = convertPrediction({ from: 'sample', to: 'velocity', point: from });
  const { history, noise } = eulerStage({ drift, dt: to.sigma - from.sigma });
  // Exactly 0 at the end, where 1 + dt / sigma may be off by a rounding error.
  return { carry: to.sigma / from.sigma, history, noise };
}

function renoise({ alpha, sigma }: NoisePoint): PlanUpdate {
  return { carry: 0, history: [alpha], noise: { kind: 'fixed', std: sigma } };
}
