import { InvalidArgumentError } from '@harmonica/core';

/** The classes of a model, by name where they have names. */
export interface ClassNames {
  /** Without the null class. */
  readonly count: number;
  /** @throws {@link InvalidArgumentError} if there is no such class */
  labelOf(name: string): number;
  nameOf(label: number): string;
}

/** Classes that are known by number only, as those of the published DiTs. */
export function numberedClasses(count: number): ClassNames {
  return {
    count,
    nameOf: (label) => `class-${label}`,
    labelOf(name) {
      const label = Number(name.replace(/^class-/, ''));
      if (/\d$/.test(name) && Number.isInteger(label) && label >= 0 && label < count) return label;
      throw new InvalidArgumentError({
        argument: 'class',
        value: name,
        expected: `a class number in [0, ${count - 1}]`,
      });
    },
  };
}
