import { InvalidArgumentError } from '@harmonica/core';
import { similarNames } from './similar-names.js';

/** What {@link labelOf} looks for, and among what. */
export interface LabelOfOptions {
  readonly name: string;
  /** In label order. */
  readonly classes: readonly string[];
}

/**
 * The label of a class.
 *
 * @returns an integer in [0, classes.length)
 * @throws {@link InvalidArgumentError} that lists the most similar names, if there is no class of this name
 */
export function labelOf({ name, classes }: LabelOfOptions): number {
  const label = classes.indexOf(name);
  if (label >= 0) return label;
  const similar = similarNames({ name, names: classes });
  throw new InvalidArgumentError({
    argument: 'class',
    value: name,
    expected: `one of the ${classes.length} classes of the model`,
    fix:
      similar.length > 0 ? `Similar: ${similar.join(', ')}.` : `There is: ${classes.join(', ')}.`,
  });
}
