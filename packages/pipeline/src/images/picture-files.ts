import { posix } from 'node:path';
import { filesWithin } from '@harmonica/weights';

/** Beside the samples of a folder: all of them in one picture. */
export const SAMPLES_GRID = 'grid.png';

/** Beside the samples of a folder: the record of the run. */
export const SAMPLES_RECORD = 'run.json';

/**
 * The PNG files of a folder and of those within it, links followed. The grid of a folder of samples is none of its pictures.
 *
 * @returns names relative to the folder, with slashes, sorted
 * @throws {@link FileError} if a folder cannot be read
 */
export async function pictureFiles(folder: string): Promise<string[]> {
  const files = await filesWithin(folder);
  const records = new Set(files.filter((file) => posix.basename(file) === SAMPLES_RECORD));
  const isGrid = (file: string) =>
    posix.basename(file) === SAMPLES_GRID &&
    records.has(posix.join(posix.dirname(file), SAMPLES_RECORD));
  return files.filter((file) => /\.png$/i.test(file) && !isGrid(file)).sort();
}
