import type { ClassNames } from './class-names.js';
import type { ImageOptions } from './option-groups.js';
import type { ImageJob } from './sample-latents.js';

/**
 * One image for each seed, classes taken in turn: image i is of class i modulo their number.
 *
 * @throws {@link InvalidArgumentError} if a class is unknown
 */
export function imageJobs(
  options: Pick<ImageOptions, 'class' | 'seeds'>,
  classes: ClassNames,
): readonly ImageJob[] {
  const labels =
    options.class?.map((name) => classes.labelOf(name)) ??
    Array.from({ length: classes.count }, (_, label) => label);
  return options.seeds.map((seed, i) => ({ seed, label: labels[i % labels.length] as number }));
}

/** `count` images with seeds from 0, all classes in turn. */
export function numberedJobs(count: number, classes: ClassNames): readonly ImageJob[] {
  const seeds = Array.from({ length: count }, (_, seed) => seed);
  return imageJobs({ seeds }, classes);
}
