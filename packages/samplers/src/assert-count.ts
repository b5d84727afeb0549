import { InvalidArgumentError } from '@harmonica/core';

/** Refuses anything but a positive integer. @throws {@link InvalidArgumentError} */
export function assertCount(argument: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new InvalidArgumentError({ argument, value, expected: 'a positive integer' });
}
