import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FileError, InvalidArgumentError, parseJson } from '@harmonica/core';
import { z } from 'zod';
import { isLabel } from './latent-set.js';
import { readText } from './read-file.js';
import type { Subjects } from './subjects.js';

/** A picture file and what it is of. */
export interface LabeledImage {
  readonly path: string;
  readonly label: number;
}

/** Options of {@link labeledImages}. */
export interface LabeledImagesOptions {
  readonly folder: string;
  /** A JSON object of the files' labels, by their paths in the folder. Default: subfolders are labels. */
  readonly classLabels?: string | undefined;
  readonly subjects: Pick<Subjects, 'count' | 'labelOf'>;
}

/**
 * The PNG files of a folder, sorted by path. Labels are class names or numbers; a model of one subject needs none.
 *
 * @throws {@link InvalidArgumentError} if there are no images or a label is not the model's
 * @throws {@link FileError} if a folder or file cannot be read
 * @throws {@link ConfigError} if the file of labels is malformed
 */
export async function labeledImages(options: LabeledImagesOptions): Promise<LabeledImage[]> {
  const { folder, classLabels, subjects } = options;
  const named =
    classLabels === undefined ? await inFolder(folder, subjects) : await inFile(classLabels);
  const images = named
    .map(([file, label]) => ({ path: join(folder, file), label: numberOf(label, subjects) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  if (images.length > 0) return images;
  throw new InvalidArgumentError({
    argument: '--images',
    value: folder,
    expected: 'a folder with PNG images in one subfolder for each class',
    fix: 'Name the subfolders by classes or their numbers, or give a file of --class-labels.',
  });
}

/** A path in the folder and a label. */
type NamedLabel = readonly [file: string, label: string | number];

async function inFile(path: string): Promise<NamedLabel[]> {
  const schema = z.record(z.string(), z.union([z.string().min(1), z.number()]));
  return Object.entries(parseJson({ source: path, text: await readText(path), schema }));
}

async function inFolder(
  folder: string,
  { count }: LabeledImagesOptions['subjects'],
): Promise<NamedLabel[]> {
  const entries = await list(folder);
  const found: NamedLabel[] = [];
  for (const entry of entries) {
    if (entry.isDirectory()) {
      const files = await list(join(folder, entry.name));
      found.push(
        ...files.filter(isPng).map(({ name }): NamedLabel => [join(entry.name, name), entry.name]),
      );
    } else if (count === 1 && isPng(entry)) found.push([entry.name, 0]);
  }
  return found;
}

function isPng({ name }: { readonly name: string }): boolean {
  return /\.png$/i.test(name);
}

function numberOf(label: string | number, subjects: LabeledImagesOptions['subjects']): number {
  const number = typeof label === 'number' || /^\d+$/.test(label) ? Number(label) : undefined;
  if (number === undefined) return subjects.labelOf(String(label));
  if (isLabel(number, subjects)) return number;
  throw new InvalidArgumentError({
    argument: 'the label of an image',
    value: label,
    expected: `a class, or its number in [0, ${subjects.count - 1}]`,
  });
}

async function list(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (cause) {
    throw new FileError({ path, problem: 'cannot be listed', fix: 'Check the path.', cause });
  }
}
