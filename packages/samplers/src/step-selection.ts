import { InvalidArgumentError } from '@harmonica/core';

/**
 * What every selection of steps must be: a number of steps or timesteps, not both, with an offset of leading spacing that
 * is an integer of 0 or more.
 *
 * @throws {@link InvalidArgumentError}
 */
export function assertStepSelection(options: {
  readonly steps: unknown;
  readonly timesteps: unknown;
  readonly stepsOffset: number;
}): void {
  const { steps, timesteps, stepsOffset } = options;
  if (!(Number.isSafeInteger(stepsOffset) && stepsOffset >= 0)) {
    throw new InvalidArgumentError({
      argument: 'stepsOffset',
      value: stepsOffset,
      expected: 'an integer of 0 or more',
    });
  }
  if ((steps === undefined) === (timesteps === undefined)) {
    throw new InvalidArgumentError({
      argument: 'steps',
      value: steps,
      expected: 'exactly one of steps and timesteps',
    });
  }
}
