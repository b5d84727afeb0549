import { UnsupportedError } from '@harmonica/core';
import { logSnr, type NoisePoint } from './noise-point.js';

/** What a method integrates over the log signal-to-noise ratio: predicted samples or predicted noise. */
export type SolverSpace = 'sample' | 'epsilon';

/** One step of an exponential integrator, without its quadrature: `x' = carry x + scale sum_j weight_j p_j + std z`. */
export interface ExponentialStep {
  readonly carry: number;
  readonly scale: number;
  /** z of `kernelMoments`, for the weights. */
  readonly exponent: number;
  /** Growth of the log signal-to-noise ratio: h of the papers. Infinite if the step ends on a sample. */
  readonly width: number;
  readonly std: number;
}

export interface ExponentialStepOptions {
  readonly from: NoisePoint;
  readonly to: NoisePoint;
  readonly space: SolverSpace;
  /** Stochasticity: 0 (default) is the probability flow, 1 the reverse diffusion. */
  readonly tau?: number;
}

/**
 * The exact solution of the diffusion's semi-linear equation over a step, but for the integral of the predictions:
 * DPM-Solver++ (2022), Proposition 4.1 (samples); DPM-Solver (2022), Eq. 3.4 (noise); SA-Solver (2023), Section 4 (with
 * noise added).
 *
 * @throws {@link UnsupportedError} if a method that integrates noise is to end at sigma 0, infinitely far away
 */
export function exponentialStep(options: ExponentialStepOptions): ExponentialStep {
  const { from, to, space, tau = 0 } = options;
  const width = logSnr(to) - logSnr(from);
  const variance = tau * tau;
  if (space === 'sample') {
    const damping = tau === 0 ? 1 : Math.exp(-variance * width);
    return {
      carry: (to.sigma / from.sigma) * damping,
      scale: to.alpha,
      exponent: (1 + variance) * width,
      width,
      std: tau === 0 ? 0 : to.sigma * Math.sqrt(-Math.expm1(-2 * variance * width)),
    };
  }
  if (to.sigma === 0) {
    throw new UnsupportedError({
      feature: 'a final sigma of zero',
      engine: 'A method that integrates predicted noise',
      fix: "Use finalSigma: 'min', or a method that integrates samples.",
    });
  }
  return {
    carry: to.alpha / from.alpha,
    scale: (1 + variance) * to.sigma,
    exponent: -width,
    width,
    std: tau === 0 ? 0 : tau * to.sigma * Math.sqrt(Math.expm1(2 * width)),
  };
}

/**
 * Where predictions were made, in widths of the step that starts at point `start` of the path.
 *
 * @param options.indices of the predictions, in the path
 */
export function nodesOf(options: {
  readonly path: readonly NoisePoint[];
  readonly start: number;
  readonly indices: readonly number[];
  readonly width: number;
}): number[] {
  const { path, start, indices, width } = options;
  const origin = logSnr(path[start] as NoisePoint);
  return indices.map((i) => (logSnr(path[i] as NoisePoint) - origin) / width);
}

/** Whether a step can only be of first order, because its width is infinite (it ends on a sample) or 0. */
export function isFirstOrderOnly({
  from,
  to,
}: Pick<ExponentialStepOptions, 'from' | 'to'>): boolean {
  return to.sigma === 0 || to.sigma === from.sigma;
}
