import { assertArgument, assertCount, type SamplerPlan } from '@harmonica/core';
import { linspace } from '../numbers.js';
import { type SigmaSpacing, spaceSigmas } from '../schedules/sigma-spacing.js';

/** The noise levels of a flow-matching sampler. */
export interface FlowSigmaOptions {
  /** Noise levels before the shift, descending in (0, 1], instead of evenly spaced ones. */
  readonly sigmas?: readonly number[];
  /** Model time of sigma 1, a positive integer; model time is proportional to sigma. Default 1000. */
  readonly length?: number;
  /** Lowest of the evenly spaced levels, in (0, 1). Default `1 / length`. */
  readonly sigmaMin?: number;
  /**
   * Spends more steps on noise, as large images need: `shift * s / (1 + (shift - 1) * s)` (Stable Diffusion 3, 2024,
   * Eq. 23; 3 there). Above 0, default 1.
   */
  readonly shift?: number;
  /** A shift that follows the size of the image, instead of `shift`. */
  readonly dynamicShift?: DynamicShift;
  /** Stretches the shifted levels so that the last is this, in (0, 1). Default: left as they are. */
  readonly shiftTerminal?: number;
  /** Spreads the levels anew between the first and the last of the shifted ones. */
  readonly sigmaSpacing?: SigmaSpacing;
}

/** The shift of Flux: linear in the number of tokens, then exponential. */
export interface DynamicShift {
  /** Tokens of the image. */
  readonly tokens: number;
  /** Default 256. */
  readonly baseTokens?: number;
  /** Default 4096. */
  readonly maxTokens?: number;
  /** At `baseTokens`. Default 0.5. */
  readonly baseShift?: number;
  /** At `maxTokens`. Default 1.15. */
  readonly maxShift?: number;
  /** Whether the line gives the logarithm of the shift (`'exponential'`, default) or the shift itself. */
  readonly kind?: 'exponential' | 'linear';
}

/**
 * The factor that a dynamic shift stands for.
 *
 * @throws {@link InvalidArgumentError} if the result is not a positive number
 */
export function dynamicShiftFactor(options: DynamicShift): number {
  const { tokens, baseTokens = 256, maxTokens = 4096, baseShift = 0.5, maxShift = 1.15 } = options;
  const slope = (maxShift - baseShift) / (maxTokens - baseTokens);
  const line = baseShift + slope * (tokens - baseTokens);
  const factor = options.kind === 'linear' ? line : Math.exp(line);
  assertPositive({ dynamicShift: factor });
  return factor;
}

/**
 * Noise levels of a flow-matching sampler, the noisiest first, without the 0 that they lead to. Evenly spaced ones run
 * from 1 to `sigmaMin`; with `shift`, as in SD3, to the shifted `sigmaMin`, which is then shifted once more.
 *
 * @returns `steps` numbers, strictly descending in (0, 1]
 * @throws {@link InvalidArgumentError} if an option is outside its range, or both shifts are given
 */
export function createFlowSigmas(
  options: FlowSigmaOptions & { readonly steps?: number },
): readonly number[] {
  const { shiftTerminal, sigmaSpacing, shift, dynamicShift } = options;
  assertArgument(
    { shift },
    'at most one of shift and dynamicShift',
    shift === undefined || dynamicShift === undefined,
  );
  const factor = dynamicShift ? dynamicShiftFactor(dynamicShift) : (shift ?? 1);
  assertPositive({ shift: factor });
  const shifted = unshifted(options).map((sigma) => shiftSigma(sigma, factor));
  const stretched = shiftTerminal === undefined ? shifted : stretch(shifted, shiftTerminal);
  const [max, min] = [stretched[0] as number, stretched.at(-1) as number];
  const sigmas = sigmaSpacing
    ? spaceSigmas({ spacing: sigmaSpacing, max, min, count: stretched.length })
    : stretched;
  assertSigmas(sigmas);
  return sigmas;
}

/** The levels' settings, for provenance. */
export function describeFlowSigmas(options: FlowSigmaOptions): SamplerPlan['settings'] {
  const { sigmas, length = 1000, shift, dynamicShift, shiftTerminal, sigmaSpacing } = options;
  return {
    sigmas: sigmas ? 'explicit' : (sigmaSpacing ?? 'even'),
    length,
    sigmaMin: sigmas ? null : (options.sigmaMin ?? 1 / length),
    shift: dynamicShift ? dynamicShiftFactor(dynamicShift) : (shift ?? 1),
    shiftTokens: dynamicShift?.tokens ?? null,
    shiftTerminal: shiftTerminal ?? null,
  };
}

function unshifted(options: FlowSigmaOptions & { readonly steps?: number }): readonly number[] {
  const { sigmas, steps, length = 1000, sigmaMin = 1 / length, shift = 1 } = options;
  assertCount({ argument: 'length', value: length });
  assertArgument(
    { steps },
    'exactly one of steps and sigmas',
    (sigmas === undefined) !== (steps === undefined),
  );
  if (sigmas) {
    assertSigmas(sigmas);
    return sigmas;
  }
  const count = steps as number;
  assertCount({ argument: 'steps', value: count });
  assertArgument({ sigmaMin }, 'a number between 0 and 1', sigmaMin > 0 && sigmaMin < 1);
  return linspace({ start: 1, stop: shiftSigma(sigmaMin, shift), count });
}

/** Rounding must not carry pure noise beyond 1. */
function shiftSigma(sigma: number, factor: number): number {
  return Math.min(1, (factor * sigma) / (1 + (factor - 1) * sigma));
}

function stretch(sigmas: readonly number[], terminal: number): number[] {
  const isShare = terminal > 0 && terminal < 1;
  assertArgument({ shiftTerminal: terminal }, 'a number between 0 and 1', isShare);
  const scale = (1 - terminal) / (1 - (sigmas.at(-1) as number));
  return sigmas.map((sigma) => 1 - (1 - sigma) * scale);
}

function assertSigmas(sigmas: readonly number[]): void {
  const [first = Number.NaN] = sigmas;
  const descending = sigmas.every((sigma, i) => sigma > 0 && !(sigma >= (sigmas[i - 1] ?? 2)));
  assertArgument(
    { sigmas },
    'one or more numbers in (0, 1], each below the one before it',
    first <= 1 && descending,
  );
}

function assertPositive(argument: Readonly<Record<string, number>>): void {
  const isPositive = Object.values(argument).every((x) => Number.isFinite(x) && x > 0);
  assertArgument(argument, 'a positive number', isPositive);
}
