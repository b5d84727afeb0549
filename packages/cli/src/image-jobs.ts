import type { ImageOptions } from './option-groups.js';
import type { ImageJob } from './sample-latents.js';
import type { Subjects } from './subjects.js';

/**
 * One image for each seed, classes or prompts taken in turn: image i is of number i modulo their count.
 *
 * @throws {@link InvalidArgumentError} if one is unknown
 */
export function imageJobs(
  options: Pick<ImageOptions, 'class' | 'seeds'>,
  subjects: Subjects,
): readonly ImageJob[] {
  const labels =
    options.class?.map((name) => subjects.labelOf(name)) ??
    Array.from({ length: subjects.count }, (_, label) => label);
  return options.seeds.map((seed, i) => ({ seed, label: labels[i % labels.length] as number }));
}

/** `count` images with seeds from 0, of all classes or prompts in turn. */
export function numberedJobs(count: number, subjects: Subjects): readonly ImageJob[] {
  return imageJobs({ seeds: seedsFrom(0, count) }, subjects);
}

/** `count` seeds, one after the other. */
export function seedsFrom(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}
