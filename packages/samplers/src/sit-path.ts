import { assertOneOf } from './assert-one-of.js';
import type { NoisePoint } from './noise-point.js';

/**
 * How SiT mixes sample and noise at time t, from noise at 0 to samples at 1. `'linear'`: `t sample + (1 - t) noise`.
 * `'gvp'`, which preserves variance: `sin(pi t / 2) sample + cos(pi t / 2) noise`. SiT (Ma et al. 2024),
 * with time reversed as the official code has it.
 */
export type SitPath = 'linear' | 'gvp';

/** A point of a path. Its model time is t and its velocity the derivative of the mix by t: `sample - noise` if linear. */
export function sitPoint(options: { readonly path: SitPath; readonly time: number }): NoisePoint {
  const { path, time } = options;
  if (path === 'linear') {
    return { timestep: time, alpha: time, sigma: 1 - time, alphaSlope: 1, sigmaSlope: -1 };
  }
  const speed = Math.PI / 2;
  // The cosine as a sine of the time that is left, so that it is 0 at the end.
  const [sine, cosine] = [Math.sin(speed * time), Math.sin(speed * (1 - time))];
  return {
    timestep: time,
    alpha: sine,
    sigma: cosine,
    alphaSlope: speed * cosine,
    sigmaSlope: -speed * sine,
  };
}

/** Refuses an unknown path. @throws {@link InvalidArgumentError} */
export function assertSitPath(path: SitPath): void {
  assertOneOf({ argument: 'path', value: path, allowed: ['linear', 'gvp'] });
}
