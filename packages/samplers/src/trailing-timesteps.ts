import { roundHalfToEven } from './round-half-to-even.js';

/**
 * `round(usable - i length / steps) - 1` for i from 0, as far as timesteps last. Lin et al. (2023), Table 2.
 *
 * @param options.steps positive integer, at most `length`
 * @param options.usable how many of the `length` timesteps, from 0, may be visited. The stride is that of all of them, so
 * that leaving out the noisiest leaves out steps.
 * @returns distinct integers in [0, usable), descending
 */
export function trailingTimesteps(options: {
  readonly steps: number;
  readonly length: number;
  readonly usable: number;
}): number[] {
  const { steps, length, usable } = options;
  const stride = length / steps;
  const count = Math.min(steps, Math.ceil(usable / stride));
  return Array.from({ length: count }, (_, i) => roundHalfToEven(usable - i * stride) - 1);
}
