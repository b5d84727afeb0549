/** A part of the work of an evaluation, which several processes do in one folder. */
export interface Share {
  /** From 0. */
  readonly index: number;
  /** How many there are. */
  readonly count: number;
}

/** All of the work. */
export const WHOLE: Share = { index: 0, count: 1 };

/** Every `count`-th item, from that of the share's index on. */
export function partOf<T>(items: readonly T[], { index, count }: Share): readonly T[] {
  return items.filter((_, i) => i % count === index);
}

/** As `--share` takes it. */
export function shareName({ index, count }: Share): string {
  return `${index + 1}/${count}`;
}
