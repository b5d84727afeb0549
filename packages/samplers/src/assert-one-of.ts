import { InvalidArgumentError } from '@harmonica/core';

/** Refuses a value that is not in a list. @throws {@link InvalidArgumentError} */
export function assertOneOf(options: {
  readonly argument: string;
  readonly value: unknown;
  readonly allowed: readonly unknown[];
}): void {
  const { argument, value, allowed } = options;
  if (allowed.includes(value)) return;
  throw new InvalidArgumentError({ argument, value, expected: `one of ${allowed.join(', ')}` });
}
