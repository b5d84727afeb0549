import type { SamplerPlan } from '@harmonica/core';
import type { PlanUpdate } from './assemble-plan.js';
import { convertPrediction } from './convert-prediction.js';
import { eulerUpdate } from './flow-euler-plan.js';
import { createFlowPlan, type FlowPlanOptions, type FlowStage } from './flow-plan.js';
import type { NoisePoint } from './noise-point.js';
import { heunStage } from './ode-stages.js';

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
