import type { Share } from '@harmonica/evaluation';
import type { OfficialRouterFormat } from '@harmonica/router';
import { InvalidArgumentError } from 'commander';

/** A parser of option values that are integers in a range. */
export function integerOption(range: { readonly min: number; readonly max?: number }) {
  const { min, max = Number.MAX_SAFE_INTEGER } = range;
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= min && value <= max) {
      return value;
    }
    const most = range.max === undefined ? '' : ` and at most ${max}`;
    throw new InvalidArgumentError(`Expected an integer of at least ${min}${most}.`);
  };
}

/** A parser of option values that are finite numbers in a range. */
export function numberOption(range: { readonly min?: number; readonly max?: number } = {}) {
  const { min = -Infinity, max = Infinity } = range;
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a number ${describeRange(min, max)}.`);
  };
}

/** A parser of option values that are one of a few words. */
export function choiceOption<T extends string>(choices: readonly T[]) {
  return (text: string): T => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`Expected one of ${choices.join(', ')}.`);
  };
}

const LARGEST_SEED_RANGE = 1_000_000;

/** A parser of lists of seeds with ranges, such as `0-15` or `1,7,20-29`. */
export function seedsOption(text: string): readonly number[] {
  return text.split(',').flatMap((part) => {
    const [, first, last = first] = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part) ?? [];
    const count = Number(last) - Number(first) + 1;
    const sound = Number.isSafeInteger(Number(last)) && count >= 1 && count <= LARGEST_SEED_RANGE;
    if (!sound) {
      throw new InvalidArgumentError(
        'Expected seeds and ranges of seeds, such as 0-15 or 1,7,20-29.',
      );
    }
    return Array.from({ length: count }, (_, i) => Number(first) + i);
  });
}

/** A parser of steps, or steps and branches, such as `4`, `3-5` or `3-5:0-7`. */
export function stepsAndBranchesOption(text: string): {
  readonly steps: readonly [first: number, last: number];
  readonly branches?: readonly [first: number, last: number];
} {
  const range = String.raw`(\d+)(?:-(\d+))?`;
  const match = new RegExp(`^${range}(?::${range})?$`).exec(text.trim());
  if (!match) {
    throw new InvalidArgumentError('Expected steps, or steps:branches, such as 4 or 3-5:0-7.');
  }
  const [, step, lastStep = step, branch, lastBranch = branch] = match;
  return {
    steps: [Number(step), Number(lastStep)],
    ...(branch !== undefined && { branches: [Number(branch), Number(lastBranch)] }),
  };
}

/** A parser of one of several shares, such as `2/5`. */
export function shareOption(text: string): Share {
  const [, number, count] = /^(\d+)\/(\d+)$/.exec(text.trim()) ?? [];
  const share = { index: Number(number) - 1, count: Number(count) };
  if (share.index >= 0 && share.index < share.count && Number.isSafeInteger(share.count)) {
    return share;
  }
  throw new InvalidArgumentError('Expected a share and how many there are, from 1/1, such as 2/5.');
}

/** A parser of `all` or a number of channels. */
export function channelsOption(text: string): number | 'all' {
  return text === 'all' ? 'all' : integerOption({ min: 1 })(text);
}

function describeRange(min: number, max: number): string {
  if (max < Infinity && min > -Infinity) return `from ${min} to ${max}`;
  if (min > -Infinity) return `of at least ${min}`;
  return max < Infinity ? `of at most ${max}` : 'that is finite';
}

/** Router checkpoints of official code, by the names of `--kind`. */
export const OFFICIAL_FORMATS = {
  harmonica: 'harmonica',
  l2c: 'learning-to-cache',
} as const satisfies Readonly<Record<string, OfficialRouterFormat>>;

/** A name of {@link OFFICIAL_FORMATS}. */
export type OfficialKind = keyof typeof OFFICIAL_FORMATS;

/** All of {@link OFFICIAL_FORMATS}. */
export const OFFICIAL_KINDS = Object.keys(OFFICIAL_FORMATS) as readonly OfficialKind[];
