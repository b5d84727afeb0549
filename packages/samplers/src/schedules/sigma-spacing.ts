import { assertOneOf } from '@harmonica/core';
import { linspace } from '../numbers.js';

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

/** Options of {@link spaceSigmas}. */
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
  assertOneOf({ sigmaSpacing: spacing }, Object.keys(rules));
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

/**
 * Quantile of the beta distribution on [0, 1] by bisection of its cumulative distribution, to the last bits of float64.
 *
 * @param options.probability in [0, 1]
 * @param options.a first shape, above 0
 * @param options.b second shape, above 0
 */
export function betaQuantile(options: {
  readonly probability: number;
  readonly a: number;
  readonly b: number;
}): number {
  const { probability, a, b } = options;
  if (probability <= 0) return 0;
  if (probability >= 1) return 1;
  let low = 0;
  let high = 1;
  for (let middle = 0.5; middle > low && middle < high; middle = (low + high) / 2) {
    if (betaDistribution(middle, a, b) < probability) low = middle;
    else high = middle;
  }
  return high;
}

/** Regularised incomplete beta function I_x(a, b): Press et al., Numerical Recipes, Section 6.4. */
function betaDistribution(x: number, a: number, b: number): number {
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b));
  if (x < (a + 1) / (a + b + 2)) return (front / a) * continuedFraction(x, a, b);
  return 1 - (front / b) * continuedFraction(1 - x, b, a);
}

/** The continued fraction of I_x(a, b) by Lentz's method; quick for x below (a + 1) / (a + b + 2). */
function continuedFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m <= 300; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    value *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    value *= c * d;
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return value;
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** Stirling's series, after moving the argument to 16 or more, where its first terms give float64. */
function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  for (; y < 16; y++) shift += Math.log(y);
  const r = 1 / (y * y);
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / y;
  return (y - 0.5) * Math.log(y) - y + Math.log(2 * Math.PI) / 2 + series - shift;
}
