import {
  add,
  concat,
  mul,
  split,
  sub,
  type Tensor4D,
  tensor4d,
  tidy,
  where,
} from '@tensorflow/tfjs-core';
import type { NamedTensors } from './backbone.js';
import { assertArgument } from './checks.js';
import { javascriptValues } from './linear-combination.js';

/** Classifier-free guidance (Ho and Salimans, 2022). */
export interface Guidance {
  /** 1 is the conditional model; larger values push away from the unconditional one. */
  readonly scale: number;
  /**
   * How many leading output channels are guided. Default 3, as in the published DiT code; a model's number of latent
   * channels guides all of them.
   */
  readonly channels?: number;
  /**
   * Condition of the unconditional half, such as that of one negative prompt for all images: fewer rows than images
   * repeat. Default: the backbone's `nullCondition`.
   */
  readonly unconditional?: NamedTensors;
}

/** Channels of the latent that guidance acts on unless said otherwise: the first three, as in the official code of DiT. */
export const DEFAULT_GUIDED_CHANNELS = 3;

/** Options of {@link applyGuidance}. */
export interface ApplyGuidanceOptions {
  /** `[2 * batch, height, width, channels]`: the conditional half, then the unconditional half. */
  readonly output: Tensor4D;
  readonly scale: number;
  readonly channels?: number;
}

/**
 * `unconditional + scale * (conditional - unconditional)` on the first `channels` channels of both halves; the other
 * channels of each half are left as they are. Differentiable.
 *
 * @returns the same shape as `output`; the caller owns it
 * @throws {@link InvalidArgumentError}
 */
export function applyGuidance(options: ApplyGuidanceOptions): Tensor4D {
  return tidy(() => {
    const { halves, guided } = guide(options);
    return concat(halves.map(guided), 0) as Tensor4D;
  });
}

/**
 * The first half of {@link applyGuidance}, which is all that sampling goes on with.
 *
 * @returns `[batch, height, width, channels]`; the caller owns it
 * @throws {@link InvalidArgumentError}
 * @internal
 */
export function guidedHalf(options: ApplyGuidanceOptions): Tensor4D {
  const { output, scale, channels = DEFAULT_GUIDED_CHANNELS } = options;
  const [values] = javascriptValues(output) ?? [];
  if (values) {
    assertGuidable(output, channels);
    const [doubled, height, width, total] = output.shape;
    const half = guidedValues(values, { scale: Math.fround(scale), channels, total });
    return tensor4d(half, [doubled / 2, height, width, total]);
  }
  return tidy(() => {
    const { halves, guided } = guide(options);
    return guided(halves[0]);
  });
}

/** The first half of guided values; every difference, product and sum is rounded as those of ops are. */
function guidedValues(
  values: Float32Array,
  options: { readonly scale: number; readonly channels: number; readonly total: number },
): Float32Array {
  const { scale, channels, total } = options;
  const size = values.length / 2;
  const guided = values.slice(0, size);
  for (let from = 0; from < size; from += total) {
    for (let i = from; i < from + channels; i++) {
      const unconditional = values[size + i] as number;
      const difference = Math.fround((values[i] as number) - unconditional);
      guided[i] = unconditional + Math.fround(difference * scale);
    }
  }
  return guided;
}

/** Options of {@link guidanceVjp}. */
export interface GuidanceVjpOptions extends Omit<ApplyGuidanceOptions, 'output'> {
  /** Derivative of a loss by the result of {@link applyGuidance}, of its shape. Not disposed. */
  readonly gradient: Tensor4D;
}

/**
 * The derivative by the output that was guided: of the guided channels of both halves together, `scale` times goes to the
 * conditional half and the rest to the unconditional one.
 *
 * @returns the same shape as `gradient`; the caller owns it
 * @throws {@link InvalidArgumentError}
 */
export function guidanceVjp(options: GuidanceVjpOptions): Tensor4D {
  const { gradient, scale, channels = DEFAULT_GUIDED_CHANNELS } = options;
  assertGuidable(gradient, channels);
  return tidy(() => {
    const halves = split(gradient, 2, 0) as [conditional: Tensor4D, unconditional: Tensor4D];
    const both: Tensor4D = add(...halves);
    const conditional: Tensor4D = mul(both, scale);
    const guided = [conditional, sub(both, conditional)];
    if (channels === both.shape[3]) return concat(guided, 0) as Tensor4D;
    const mask = leadingChannels(both, channels);
    return concat(
      halves.map((half, i) => where(mask, guided[i] as Tensor4D, half)),
      0,
    ) as Tensor4D;
  });
}

/** The halves of an output, and what guides one of them. */
function guide({ output, scale, channels = DEFAULT_GUIDED_CHANNELS }: ApplyGuidanceOptions) {
  assertGuidable(output, channels);
  const halves = split(output, 2, 0) as [conditional: Tensor4D, unconditional: Tensor4D];
  const [conditional, unconditional] = halves;
  const all = add(unconditional, mul(sub(conditional, unconditional), scale)) as Tensor4D;
  if (channels === all.shape[3]) return { halves, guided: () => all };
  const mask = leadingChannels(all, channels);
  return { halves, guided: (half: Tensor4D) => where(mask, all, half) };
}

/** A mask of the whole shape: slices along channels and broadcasts are slow on the JavaScript backend. */
function leadingChannels({ shape, size }: Tensor4D, count: number): Tensor4D {
  const mask = new Uint8Array(size);
  for (let i = 0; i < size; i += shape[3]) mask.fill(1, i, i + count);
  return tensor4d(mask, shape, 'bool');
}

function assertGuidable(output: Tensor4D, channels: number): void {
  const [doubled, , , total] = output.shape;
  assertArgument(
    { 'output.shape[0]': doubled },
    'an even batch: the conditional half, then the unconditional half',
    doubled % 2 === 0,
  );
  assertArgument(
    { channels },
    `an integer in [1, ${total}]`,
    Number.isInteger(channels) && channels >= 1 && channels <= total,
  );
}
