import { InvalidArgumentError } from '@harmonica/core';
import { betaQuantile } from './beta-quantile.js';
import { linspace } from './linspace.js';

/** Exponent of Karras et al. */
const RHO = 7;
/** Both shapes of the beta distribution. */
const BETA_SHAPE = 0.6;

/**
 * How noise levels are spread between the highest and the lowest. `'karras'`: evenly in `sigma^(1/7)` (Karras et al. 2022,
 * Eq. 5). `'exponential'`: evenly in `ln sigma`, that is in the log signal-to-noise ratio. `'beta'`: by the quantiles of the
 * beta distribution B(0.6, 0.6), dense at both ends (Lee et al. 2024, Beta Sampling is All You Need).
 */
export type SigmaSpacing = 'karras' | 'exponential' | 'beta';

export interface SpaceSigmasOptions {
  readonly spacing: SigmaSpacing;
  /** Highest noise level, above `min`. */
  readonly max: number;
  /** Lowest noise level, above 0. */
  readonly min: number;
  /** How many, 1 or more; one is `max`. */
  readonly count: number;
}

/**
 * Noise levels from `max` down to `min`.
 *
 * @throws {@link InvalidArgumentError} if the spacing is unknown
 */
export function spaceSigmas({ spacing, max, min, count }: SpaceSigmasOptions): number[] {
  if (!Object.hasOwn(rules, spacing)) {
    throw new InvalidArgumentError({
      argument: 'sigmaSpacing',
      value: spacing,
      expected: `one of ${Object.keys(rules).join(', ')}`,
    });
  }
  return linspace({ start: 0, stop: 1, count }).map((share) => {
    // Both ends to the last bit: they are levels of the schedule.
    if (share === 0) return max;
    return share === 1 ? min : rules[spacing]({ share, max, min });
  });
}

interface Place {
  /** From 0 at `max` to 1 at `min`. */
  readonly share: number;
  readonly max: number;
  readonly min: number;
}

const rules: Record<SigmaSpacing, (place: Place) => number> = {
  karras: ({ share, max, min }) => {
    const root = max ** (1 / RHO) + share * (min ** (1 / RHO) - max ** (1 / RHO));
    return root ** RHO;
  },
  exponential: ({ share, max, min }) => max * (min / max) ** share,
  beta: ({ share, max, min }) =>
    min + betaQuantile({ probability: 1 - share, a: BETA_SHAPE, b: BETA_SHAPE }) * (max - min),
};
