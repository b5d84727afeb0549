import { InvalidArgumentError } from '@harmonica/core';
import type { MlpBroadcast } from './pab-schedule.js';

/** A setting of a policy that is written as text. */
export interface TextSetting {
  /** For error messages. */
  readonly argument: string;
  readonly text: string;
}

/**
 * Integers as text: `7`, `0-4`, or several of them with slashes between, `0-4/7`.
 *
 * @throws {@link InvalidArgumentError}
 * @internal
 */
export function integersIn({ argument, text }: TextSetting): readonly number[] {
  return text.split('/').flatMap((part) => {
    const [, first, last = first] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part.trim()) ?? [];
    const count = Number(last) - Number(first) + 1;
    if (count >= 1) return Array.from({ length: count }, (_, i) => Number(first) + i);
    const expected = 'integers and ranges with slashes between, such as 0-4/7';
    throw new InvalidArgumentError({ argument, value: text, expected });
  });
}

/**
 * A window of model times as text: `100-800`, its lower end first.
 *
 * @throws {@link InvalidArgumentError}
 * @internal
 */
export function windowIn({ argument, text }: TextSetting): readonly [low: number, high: number] {
  const number = String.raw`(\d*\.?\d+)`;
  const [, low, high] = new RegExp(`^${number}-${number}$`).exec(text.trim()) ?? [];
  if (low !== undefined) return [Number(low), Number(high)];
  throw new InvalidArgumentError({
    argument,
    value: text,
    expected: 'two model times, the lower one first, such as 100-800',
  });
}

/**
 * MLPs that are predicted after some steps, as text: the model time of the step, blocks, and in how many steps after it,
 * `676:0-4:2`; several with slashes between. Without the last number it is that of {@link MlpBroadcast}.
 *
 * @throws {@link InvalidArgumentError}
 * @internal
 */
export function mlpBroadcastsIn({ argument, text }: TextSetting): readonly MlpBroadcast[] {
  return text.split('/').map((part) => {
    const [, time, blocks, steps] =
      /^(\d*\.?\d+):(\d+(?:-\d+)?)(?::(\d+))?$/.exec(part.trim()) ?? [];
    if (time === undefined || blocks === undefined) {
      throw new InvalidArgumentError({
        argument,
        value: text,
        expected:
          'time:blocks or time:blocks:steps with slashes between, such as 676:0-4:2/788:0-4',
      });
    }
    return {
      time: Number(time),
      blocks: integersIn({ argument, text: blocks }),
      ...(steps !== undefined && { steps: Number(steps) }),
    };
  });
}
