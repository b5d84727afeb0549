import { assertArgument, type SamplerPlan } from '@harmonica/core';
import type { PlanUpdate } from '../plan.js';
import type { NoiseLevel } from '../schedules/noise-level.js';
import { createSamplerPlan, type PlanOptions } from './create-sampler-plan.js';

/** Options of {@link createDdimPlan}. */
export type DdimPlanOptions = PlanOptions & {
  /** Share of the ancestral noise that is added, in [0, 1]: 0 is deterministic, 1 is DDPM. Default 0. */
  readonly eta?: number;
};

/**
 * DDIM (Song et al. 2021, Eq. 12 and 16): moves to the next noise level along the predicted sample and the noise that it
 * implies. First order.
 *
 * @throws {@link InvalidArgumentError} if an option is outside its range
 * @throws {@link IncompatibleError} if an epsilon model is to start from a schedule's pure noise
 */
export function createDdimPlan(options: DdimPlanOptions): SamplerPlan {
  const { eta = 0 } = options;
  assertArgument({ eta }, 'a number in [0, 1]', Number.isFinite(eta) && eta >= 0 && eta <= 1);
  return createSamplerPlan({
    sampler: 'ddim',
    options,
    settings: { eta },
    update: (level) => ddimUpdate(level, eta),
  });
}

/** The implied noise is `(x - sqrt(alphaBar) p) / sqrt(1 - alphaBar)`; `carry` is its factor per unit of x. */
function ddimUpdate({ alphaBar, alphaBarAfter }: NoiseLevel, eta: number): PlanUpdate {
  const ancestral = Math.sqrt((1 - alphaBarAfter) / (1 - alphaBar));
  const std = eta * ancestral * Math.sqrt(1 - alphaBar / alphaBarAfter);
  // The radicand is 0 at eta 1 and alphaBar 0, where rounding must not make it negative.
  const direction = Math.sqrt(Math.max(0, 1 - alphaBarAfter - std ** 2));
  const carry = direction / Math.sqrt(1 - alphaBar);
  const history = [Math.sqrt(alphaBarAfter) - carry * Math.sqrt(alphaBar)];
  return { carry, history, noise: { kind: 'fixed', std } };
}
