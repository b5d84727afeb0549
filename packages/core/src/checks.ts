import { InvalidArgumentError } from './errors.js';

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
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const expected =
    most === Infinity ? `an integer of at least ${least}` : `an integer in [${least}, ${most}]`;
  throw new InvalidArgumentError({ argument, value, expected });
}
