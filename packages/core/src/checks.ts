import { InvalidArgumentError } from './errors.js';

/** One argument by its name: `{ steps }`, or `{ 'config.depth': depth }`. */
type NamedArgument = Readonly<Record<string, unknown>>;

/**
 * Refuses an argument outside its range: `assertArgument({ eta }, 'a number in [0, 1]', eta >= 0 && eta <= 1)`.
 *
 * @param argument its name and value, the only entry
 * @param expected what it must be, in words
 * @param holds whether it is that
 * @throws {@link InvalidArgumentError}
 */
export function assertArgument(
  argument: NamedArgument,
  expected: string,
  holds: unknown,
): asserts holds {
  if (holds) return;
  const [[name, value] = ['argument', undefined]] = Object.entries(argument);
  throw new InvalidArgumentError({ argument: name, value, expected });
}

/**
 * Refuses an argument that is not in a list.
 *
 * @param argument its name and value, the only entry
 * @throws {@link InvalidArgumentError}
 */
export function assertOneOf(argument: NamedArgument, allowed: readonly unknown[]): void {
  const isAllowed = Object.values(argument).every((value) => allowed.includes(value));
  assertArgument(argument, `one of ${allowed.join(', ')}`, isAllowed);
}

/**
 * Refuses anything but an integer in a range.
 *
 * @param check `least` defaults to 1, `most` to no limit.
 * @throws {@link InvalidArgumentError}
 */
export function assertCount(check: {
  readonly argument: string;
  readonly value: number;
  readonly least?: number;
  readonly most?: number;
}): void {
  const { argument, value, least = 1, most = Infinity } = check;
  const expected =
    most === Infinity ? `an integer of at least ${least}` : `an integer in [${least}, ${most}]`;
  const isInRange = Number.isInteger(value) && value >= least && value <= most;
  assertArgument({ [argument]: value }, expected, isInRange);
}
