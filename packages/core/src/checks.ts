import { InvalidArgumentError, ShapeError } from './errors.js';

/** One argument by its name: `{ steps }`, or `{ 'config.depth': depth }`. */
export type NamedArgument<T = unknown> = Readonly<Record<string, T>>;

/**
 * Refuses an argument outside its range: `assertArgument({ eta }, 'a number in [0, 1]', eta >= 0 && eta <= 1)`.
 *
 * @param argument its name and value, the only entry
 * @param expected what it must be, in words
 * @param holds whether it is that
 * @param fix what to do, in a sentence
 * @throws {@link InvalidArgumentError}
 */
export function assertArgument(
  argument: NamedArgument,
  expected: string,
  holds: unknown,
  fix?: string,
): asserts holds {
  if (holds) return;
  const [[name, value] = ['argument', undefined]] = Object.entries(argument);
  throw new InvalidArgumentError({ argument: name, value, expected, fix });
}

/**
 * Refuses an argument that is not in a list.
 *
 * @param argument its name and value, the only entry
 * @param fix what to do, in a sentence
 * @throws {@link InvalidArgumentError}
 */
export function assertOneOf(
  argument: NamedArgument,
  allowed: readonly unknown[],
  fix?: string,
): void {
  const isAllowed = Object.values(argument).every((value) => allowed.includes(value));
  assertArgument(argument, `one of ${allowed.join(', ')}`, isAllowed, fix);
}

/**
 * Refuses a tensor of another shape.
 *
 * @param tensor its name, and itself or what else has its shape; the only entry
 * @param expected `null` stands for any size
 * @param fix what to do, in a sentence
 * @throws {@link ShapeError}
 */
export function assertShape(
  tensor: NamedArgument<{ readonly shape: readonly number[] }>,
  expected: readonly (number | null)[],
  fix?: string,
): void {
  for (const [name, { shape }] of Object.entries(tensor)) {
    const fits = expected.every((size, axis) => size === null || size === shape[axis]);
    if (fits && shape.length === expected.length) continue;
    throw new ShapeError({ tensor: name, actual: shape, expected, fix });
  }
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
