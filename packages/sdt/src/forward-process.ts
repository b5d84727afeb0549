import { IncompatibleError, type PlanStep, type SamplerPlan } from '@harmonica/core';

/** The latent of a diffusion at one noise level: `alpha * x0 + sigma * noise`, with `alpha^2 + sigma^2 = 1`. */
export interface ForwardProcess {
  readonly alpha: number;
  readonly sigma: number;
}

/**
 * The noise level that a step of a DDIM plan starts from, solved from its prediction of x0 (DDPM, 2020, Eq. 4).
 *
 * @throws {@link IncompatibleError} if the plan is not DDIM's, or for models that predict samples, whose plans do not
 * tell noise levels
 */
export function forwardProcess(plan: SamplerPlan, index: number): ForwardProcess {
  assertTellsNoiseLevels(plan);
  const { x, model } = (plan.steps[index] as PlanStep).toPrediction;
  // epsilon: x0 = (x - sigma eps) / alpha;  velocity: x0 = alpha x - sigma v
  return plan.prediction === 'epsilon'
    ? { alpha: 1 / x, sigma: -model / x }
    : { alpha: x, sigma: -model };
}

function assertTellsNoiseLevels({ sampler, prediction }: SamplerPlan): void {
  if (sampler === 'ddim' && prediction !== 'sample') return;
  throw new IncompatibleError({
    what: 'The plan to take noise levels from',
    actual: `${sampler}, ${prediction}`,
    expected: 'ddim, epsilon or velocity',
    fix: 'Create it with createDdimPlan.',
  });
}
