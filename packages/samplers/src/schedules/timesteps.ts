import { assertArgument, assertCount, assertOneOf, InvalidArgumentError } from '@harmonica/core';
import { linspace, roundHalfToEven } from '../numbers.js';

/**
 * Which timesteps to visit, as guided-diffusion and DiT write it: a step count (`20` or `'20'`); `'ddim20'`, a constant
 * stride from timestep 0; or the step counts of equally long sections, from the least to the most noisy (`'10,10,5'` or
 * `[10, 10, 5]`). `''` visits every timestep.
 */
export type Respacing = number | string | readonly number[];

/**
 * How a step count becomes timesteps: `'guided-diffusion'` reads it as a {@link Respacing}, `'linspace'` takes
 * `round(linspace(0, length - 1, steps))`. Over 1000 timesteps the two agree for every even
 * count; for an odd one the former's accumulated rounding can move a timestep that falls on a half by one. `'leading'` takes
 * multiples of `floor(length / steps)` from 0 on, plus an offset, `'trailing'` `round(length - i length / steps) - 1`.
 */
export type TimestepSpacing = 'guided-diffusion' | 'linspace' | 'leading' | 'trailing';

/** A number of steps with a spacing, or the timesteps themselves in any order. */
export type Selection<Steps, Spacing> =
  | {
      readonly steps: Steps;
      readonly spacing?: Spacing;
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

/** The steps of a plan. The default spacing is `'guided-diffusion'`. */
export type StepSelection = Selection<Respacing, TimestepSpacing>;

/** The steps of a solver, a positive integer. The default spacing is `'linspace'`. */
export type SolverStepSelection = Selection<number, SolverSpacing>;

/**
 * The timesteps that a selection visits.
 *
 * @param options.length timesteps of the noise schedule
 * @returns distinct integers in [0, length), ascending
 * @throws {@link InvalidArgumentError} if not exactly one of `steps` and `timesteps` is given, or it does not fit the
 * length
 */
export function selectTimesteps(options: StepSelection & { readonly length: number }): number[] {
  const { steps, timesteps, spacing = 'guided-diffusion', stepsOffset = 0, length } = options;
  assertCount({ argument: 'length', value: length });
  assertStepSelection({ steps, timesteps, stepsOffset });
  if (timesteps !== undefined) return sortTimesteps({ timesteps, length });
  if (spacing === 'guided-diffusion') return respaceTimesteps({ respacing: steps, length });
  assertOneOf({ spacing }, ['guided-diffusion', ...Object.keys(countSpacings)]);
  const expected = `an integer from 1 to ${length} for ${spacing} spacing`;
  const isCount = typeof steps === 'number' && Number.isSafeInteger(steps);
  assertArgument({ steps }, expected, isCount && steps >= 1 && steps <= length);
  const spaced = countSpacings[spacing]({ steps, length, usable: length, stepsOffset });
  return sortTimesteps({ timesteps: spaced, length });
}

/**
 * Timesteps by guided-diffusion's respacing, to the last timestep the same as its `space_timesteps`.
 *
 * @param options.length timesteps of the noise schedule, a positive integer
 * @returns distinct integers in [0, length), ascending
 * @throws {@link InvalidArgumentError} if the respacing is malformed or asks for more steps than there are
 */
export function respaceTimesteps(options: {
  readonly respacing: Respacing;
  readonly length: number;
}): number[] {
  const { respacing, length } = options;
  assertCount({ argument: 'length', value: length });
  const stride = typeof respacing === 'string' && /^ddim\s*(\d+)\s*$/.exec(respacing);
  if (stride) return strideTimesteps({ steps: Number(stride[1]), length });
  return spaceSections({ counts: parseSections({ respacing, length }), length });
}

/** Refuses duplicates and anything but integers in [0, length). Ascending. @throws {@link InvalidArgumentError} */
export function sortTimesteps(options: {
  readonly timesteps: readonly number[];
  readonly length: number;
}): number[] {
  const { timesteps, length } = options;
  assertCount({ argument: 'timesteps.length', value: timesteps.length });
  const sorted = [...timesteps].sort((a, b) => a - b);
  const wrong = timesteps.find((t) => !Number.isSafeInteger(t) || t < 0 || t >= length);
  assertArgument(
    { timesteps },
    `distinct integers in [0, ${length})`,
    wrong === undefined && new Set(sorted).size === sorted.length,
  );
  return sorted;
}

/** The spacings that take a plain number of steps. */
const countSpacings = {
  linspace: ({ steps, length }) =>
    linspace({ start: 0, stop: length - 1, count: steps }).map(roundHalfToEven),
  leading: ({ steps, length, stepsOffset }) =>
    Array.from({ length: steps }, (_, i) => i * Math.floor(length / steps) + stepsOffset),
  trailing: trailingTimesteps,
} satisfies Record<Exclude<TimestepSpacing, 'guided-diffusion'>, SpacingRule>;

/** Smallest constant stride from 0 that makes `steps` steps. A stride of `length` or more is not considered. */
function strideTimesteps({ steps, length }: { steps: number; length: number }): number[] {
  for (let stride = 1; stride < length; stride++) {
    if (Math.ceil(length / stride) !== steps) continue;
    return Array.from({ length: steps }, (_, i) => i * stride);
  }
  throw new InvalidArgumentError({
    argument: 'steps',
    value: `ddim${steps}`,
    expected: `a step count that a constant integer stride over ${length} timesteps makes`,
    fix: `Use ${steps} instead of "ddim${steps}" for fractional strides.`,
  });
}

function parseSections({ respacing, length }: { respacing: Respacing; length: number }): number[] {
  const counts = readCounts({ respacing, length });
  const valid = counts.every((count) => Number.isSafeInteger(count) && count >= 0);
  assertArgument(
    { steps: respacing },
    'a step count of 1 or more, "ddimN" or a list of step counts such as "10,10,5"',
    valid && counts.some((count) => count > 0),
  );
  return counts;
}

function readCounts({ respacing, length }: { respacing: Respacing; length: number }): number[] {
  if (typeof respacing === 'number') return [respacing];
  if (typeof respacing !== 'string') return [...respacing];
  if (respacing === '') return [length];
  return respacing.split(',').map((text) => (/^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN));
}

function spaceSections({ counts, length }: { counts: number[]; length: number }): number[] {
  const size = Math.floor(length / counts.length);
  const longer = length % counts.length;
  let start = 0;
  return counts.flatMap((count, i) => {
    const section = { start, size: i < longer ? size + 1 : size, count };
    start += section.size;
    return spaceSection(section);
  });
}

/** The stride is added up, not multiplied: its rounding errors decide ties as they do in the original. */
function spaceSection(section: { start: number; size: number; count: number }): number[] {
  const { start, size, count } = section;
  assertArgument(
    { steps: count },
    `at most ${size} steps in a section of ${size} timesteps`,
    count <= size,
  );
  const stride = count > 1 ? (size - 1) / (count - 1) : 1;
  let position = 0;
  return Array.from({ length: count }, () => {
    const timestep = start + roundHalfToEven(position);
    position += stride;
    return timestep;
  });
}

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
  assertCount({ argument: 'steps', value: steps });
  assertOneOf({ spacing }, Object.keys(spacings));
  const selected = spacings[spacing]({ steps, length, usable, stepsOffset });
  if (spacing === 'continuous') return selected;
  return sortTimesteps({ timesteps: selected, length: usable }).reverse();
}

/** Timesteps of a number of steps. */
type SpacingRule = (input: SpacingInput) => number[];

interface SpacingInput {
  /** Positive integer, at most `length`. */
  readonly steps: number;
  readonly length: number;
  /** How many of the `length` timesteps, from 0, may be visited. */
  readonly usable: number;
  readonly stepsOffset: number;
}

const spacings: Record<SolverSpacing, SpacingRule> = {
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

/**
 * What every selection of steps must be: a number of steps or timesteps, not both, with an offset of leading spacing that
 * is an integer of 0 or more.
 *
 * @throws {@link InvalidArgumentError}
 */
function assertStepSelection(options: {
  readonly steps: unknown;
  readonly timesteps: unknown;
  readonly stepsOffset: number;
}): void {
  const { steps, timesteps, stepsOffset } = options;
  assertArgument(
    { stepsOffset },
    'an integer of 0 or more',
    Number.isSafeInteger(stepsOffset) && stepsOffset >= 0,
  );
  assertArgument(
    { steps },
    'exactly one of steps and timesteps',
    (steps === undefined) !== (timesteps === undefined),
  );
}

/**
 * `round(usable - i length / steps) - 1` for i from 0, as far as timesteps last, descending. Lin et al. (2023), Table 2. The
 * stride is that of all timesteps, so that leaving out the noisiest leaves out steps.
 */
function trailingTimesteps({ steps, length, usable }: Omit<SpacingInput, 'stepsOffset'>): number[] {
  const stride = length / steps;
  const count = Math.min(steps, Math.ceil(usable / stride));
  return Array.from({ length: count }, (_, i) => roundHalfToEven(usable - i * stride) - 1);
}
