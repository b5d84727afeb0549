import { add, concat, mul, split, sub, type Tensor4D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { NamedTensors } from './backbone.js';
import { InvalidArgumentError } from './errors.js';

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

export const DEFAULT_GUIDED_CHANNELS = 3;

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
  const { output, scale, channels = DEFAULT_GUIDED_CHANNELS } = options;
  const [doubled, , , total] = output.shape;
  if (doubled % 2 !== 0) {
    throw new InvalidArgumentError({
      argument: 'output.shape[0]',
      value: doubled,
      expected: 'an even batch: the conditional half, then the unconditional half',
    });
  }
  if (!Number.isInteger(channels) || channels < 1 || channels > total) {
    throw new InvalidArgumentError({
      argument: 'channels',
      value: channels,
      expected: `an integer in [1, ${total}]`,
    });
  }
  return tidy(() => {
    const [conditional, unconditional] = split(output, 2, 0) as [Tensor4D, Tensor4D];
    const guided = add(unconditional, mul(sub(conditional, unconditional), scale));
    if (channels === total) return concat([guided, guided], 0) as Tensor4D;
    // Masks instead of slices along channels, which are slow on the JavaScript backend.
    const guides = Array.from({ length: total }, (_, channel) => (channel < channels ? 1 : 0));
    const mask = tensor1d(guides);
    const masked = mul(guided, mask);
    const others = sub(1, mask);
    const halves = [conditional, unconditional].map((half) => add(masked, mul(half, others)));
    return concat(halves, 0) as Tensor4D;
  });
}
