/** A point of a path `x = alpha * sample + sigma * noise` that leads from noise to samples. Dimensionless. */
export interface NoisePoint {
  /** Model time. */
  readonly timestep: number;
  /** Factor of the sample, 1 at the end of the path. */
  readonly alpha: number;
  /** Factor of the noise, 0 at the end of the path. */
  readonly sigma: number;
  /** Velocity models predict `alphaSlope * sample + sigmaSlope * noise`. */
  readonly alphaSlope: number;
  readonly sigmaSlope: number;
}

/** Half the logarithm of the signal-to-noise ratio, `ln(alpha / sigma)`: lambda of the DPM-Solver papers. */
export function logSnr({ alpha, sigma }: NoisePoint): number {
  return Math.log(alpha / sigma);
}

/**
 * A point of a variance-preserving diffusion, where `alpha^2 + sigma^2 = 1`. Its velocity is
 * `alpha * noise - sigma * sample` (Salimans and Ho 2022, Appendix D).
 *
 * @param options.ratio noise over signal, `sigma / alpha`, 0 or more: the sigma of Karras et al. (2022)
 */
export function diffusionPoint(options: {
  readonly timestep: number;
  readonly ratio: number;
}): NoisePoint {
  const { timestep, ratio } = options;
  const alpha = 1 / Math.sqrt(1 + ratio * ratio);
  const sigma = ratio * alpha;
  return { timestep, alpha, sigma, alphaSlope: 0 - sigma, sigmaSlope: alpha };
}

/** A point of flow matching's straight path, `x = (1 - sigma) sample + sigma noise`. Its velocity is `noise - sample`. */
export function flowPoint(options: {
  readonly timestep: number;
  readonly sigma: number;
}): NoisePoint {
  const { timestep, sigma } = options;
  return { timestep, alpha: 1 - sigma, sigma, alphaSlope: -1, sigmaSlope: 1 };
}
