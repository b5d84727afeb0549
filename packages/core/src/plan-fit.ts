import type { BackboneSpec, NoiseProcess } from './backbone.js';
import { IncompatibleError } from './errors.js';
import type { SamplerPlan } from './sampler-plan.js';

export interface PlanFit {
  readonly plan: Pick<SamplerPlan, 'sampler' | 'prediction' | 'process'>;
  readonly spec: Pick<BackboneSpec, 'name' | 'prediction' | 'process'>;
}

/**
 * Checks that a plan is made for what a model predicts, and for its kind of time: a sampler of flows would call a SiT at
 * times that it never saw, and take its velocities for their opposites.
 *
 * @throws {@link IncompatibleError}
 */
export function assertPlanFits({ plan, spec }: PlanFit): void {
  if (plan.prediction !== spec.prediction) {
    throw new IncompatibleError({
      what: `The ${plan.sampler} plan's prediction`,
      actual: plan.prediction,
      expected: spec.prediction,
      fix: `Create the plan with prediction: '${spec.prediction}' for ${spec.name}.`,
    });
  }
  const [actual, expected] = [plan, spec].map(({ process = 'diffusion' }) => process) as [
    NoiseProcess,
    NoiseProcess,
  ];
  if (actual === expected) return;
  throw new IncompatibleError({
    what: `The noise process of the ${plan.sampler} plan`,
    actual,
    expected,
    fix: `${spec.name} takes ${SAMPLERS[expected]}.`,
  });
}

/** What to sample models of each process with. */
const SAMPLERS: Readonly<Record<NoiseProcess, string>> = {
  diffusion: 'plans with a noise schedule, such as those of createDdimPlan or createDpmSolverPlan',
  flow: 'the flow plans, or a solver with its flow option',
  sit: 'the plans of createSitOdePlan or createSitSdePlan',
};
