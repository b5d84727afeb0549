import { InvalidArgumentError } from '@harmonica/core';
import { assertCount } from './assert-count.js';
import { linspace } from './linspace.js';
import { sortTimesteps } from './respace.js';
import { roundHalfToEven } from './round-half-to-even.js';
import { assertStepSelection } from './step-selection.js';
import { trailingTimesteps } from './trailing-timesteps.js';

/**
 * How a solver's steps are spread over the timesteps 0 to T - 1 of a schedule; timestep 0, which the last step leads past,
 * is left out but by `'trailing'`. `'linspace'`: `round(linspace(0, T - 1, steps + 1))`. `'leading'`: multiples of
 * `floor(T / (steps + 1))`, plus an offset. `'trailing'`: `round(T - i T / steps) - 1`, which starts from T - 1 (Lin et al.
 * 2023, Table 2).
 *
 * `'continuous'`: `linspace(T - 1, 0, steps + 1)` without rounding, levels between timesteps interpolated in `ln alpha`.
 * That is `time_uniform` of the official DPM-Solver code, and of PixArt's, which both go with a final sigma of `'min'`.
 */
export type SolverSpacing = 'linspace' | 'leading' | 'trailing' | 'continuous';

/** The steps of a solver: a number of steps with a spacing, or the timesteps themselves in any order. */
export type SolverStepSelection =
  | {
      /** Steps, a positive integer. */
      readonly steps: number;
      /** Default `'linspace'`. */
      readonly spacing?: SolverSpacing;
      /** Added to every timestep of leading spacing, an integer of 0 or more. Default 0. */
      readonly stepsOffset?: number;
      readonly timesteps?: never;
    }
  | {
      readonly timesteps: readonly number[];
      readonly steps?: never;
      readonly spacing?: never;
      readonly stepsOffset?: never;
    };

/**
 * The timesteps that a selection visits. Continuous spacing gives numbers between them, too.
 *
 * @param options.length timesteps T of the noise schedule
 * @param options.usable how many of them, from 0, may be visited; `length` unless the noisiest are left out
 * @returns distinct numbers in [0, length), descending
 * @throws {@link InvalidArgumentError} if the selection does not fit
 */
export function selectSolverTimesteps(
  options: SolverStepSelection & { readonly length: number; readonly usable: number },
): number[] {
  const { steps, timesteps, spacing = 'linspace', stepsOffset = 0, length, usable } = options;
  assertStepSelection({ steps, timesteps, stepsOffset });
  if (timesteps !== undefined) return sortTimesteps({ timesteps, length }).reverse();
  assertCount('steps', steps);
  if (!Object.hasOwn(spacings, spacing)) {
    throw new InvalidArgumentError({
      argument: 'spacing',
      value: spacing,
      expected: `one of ${Object.keys(spacings).join(', ')}`,
    });
  }
  const selected = spacings[spacing]({ steps, length, usable, stepsOffset });
  if (spacing === 'continuous') return selected;
  return sortTimesteps({ timesteps: selected, length: usable }).reverse();
}

interface SpacingInput {
  readonly steps: number;
  readonly length: number;
  readonly usable: number;
  readonly stepsOffset: number;
}

const spacings: Record<SolverSpacing, (input: SpacingInput) => number[]> = {
  linspace: ({ steps, usable }) =>
    linspace({ start: 0, stop: usable - 1, count: steps + 1 })
      .slice(1)
      .map(roundHalfToEven),
  leading: ({ steps, usable, stepsOffset }) => {
    const stride = Math.floor(usable / (steps + 1));
    return Array.from({ length: steps }, (_, i) => (i + 1) * stride + stepsOffset);
  },
  trailing: trailingTimesteps,
  continuous: ({ steps, usable }) =>
    linspace({ start: usable - 1, stop: 0, count: steps + 1 }).slice(0, -1),
};
