import { assertOneOf, type SamplerPlan, type StepNoise } from '@harmonica/core';
import type { NoiseLevel } from '../schedules/noise-level.js';
import { createSamplerPlan, type PlanOptions } from './create-sampler-plan.js';

/**
 * Variance of an ancestral step: the posterior's (`'fixed-small'`), the respaced beta (`'fixed-large'`), or a value
 * between the two that the model predicts in a second half of its channels (`'learned-range'`).
 */
export type DdpmVariance = 'fixed-small' | 'fixed-large' | 'learned-range';

/** Options of {@link createDdpmPlan}. */
export type DdpmPlanOptions = PlanOptions & {
  /** Default `'learned-range'`, as DiT is trained. */
  readonly variance?: DdpmVariance;
};

/**
 * Ancestral sampling from the posterior of the respaced process. DDPM (2020), Eq. 6 and 7; learned range: Improved DDPM
 * (2021), Eq. 15. The last step adds no noise.
 *
 * @throws {@link InvalidArgumentError} if an option is outside its range
 * @throws {@link IncompatibleError} if an epsilon model is to start from a schedule's pure noise
 */
export function createDdpmPlan(options: DdpmPlanOptions): SamplerPlan {
  const { variance = 'learned-range' } = options;
  assertOneOf({ variance }, Object.keys(noiseOf));
  return createSamplerPlan({
    sampler: 'ddpm',
    options,
    settings: { variance },
    update: (level, index, levels) => ({
      ...posteriorMean(level),
      noise: noiseOf[variance](level, levels[index - 1]),
    }),
  });
}

/** The noise of a step, given its level and that of the step before it (noisier), if any. */
const noiseOf: Record<DdpmVariance, (level: NoiseLevel, before?: NoiseLevel) => StepNoise> = {
  'fixed-small': (level) => ({ kind: 'fixed', std: Math.sqrt(posteriorVariance(level)) }),
  'fixed-large': (level) => ({ kind: 'fixed', std: isLast(level) ? 0 : Math.sqrt(level.beta) }),
  'learned-range': (level, before) => ({
    kind: 'learned-range',
    minLogVariance: Math.log(
      isLast(level) ? finalVariance(level, before) : posteriorVariance(level),
    ),
    maxLogVariance: Math.log(level.beta),
    scale: isLast(level) ? 0 : 1,
  }),
};

function posteriorMean({ beta, alphaBar, alphaBarAfter }: NoiseLevel) {
  return {
    carry: ((1 - alphaBarAfter) * Math.sqrt(1 - beta)) / (1 - alphaBar),
    history: [(beta * Math.sqrt(alphaBarAfter)) / (1 - alphaBar)],
  };
}

function posteriorVariance({ beta, alphaBar, alphaBarAfter }: NoiseLevel): number {
  return (beta * (1 - alphaBarAfter)) / (1 - alphaBar);
}

/** The posterior variance of the last step is 0, its logarithm infinite: the step before it stands in. Scaled by 0. */
function finalVariance(level: NoiseLevel, before: NoiseLevel | undefined): number {
  return before ? posteriorVariance(before) : level.beta;
}

function isLast({ alphaBarAfter }: NoiseLevel): boolean {
  return alphaBarAfter === 1;
}
