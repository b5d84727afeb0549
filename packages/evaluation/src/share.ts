import { setTimeout as sleep } from 'node:timers/promises';
import { type LongCallOptions, throwIfAborted, trackProgress } from '@harmonica/core';
import { isFile } from '@harmonica/pipeline';

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

/** Options of {@link waitForFiles}. */
interface WaitForFilesOptions extends LongCallOptions {
  readonly paths: readonly string[];
  /** What is waited for. */
  readonly label: string;
  /** Time between two looks. Default 500. */
  readonly everyMs?: number;
}

/** Waits until files are there that other processes make. @throws {@link AbortedError} */
export async function waitForFiles(options: WaitForFilesOptions): Promise<void> {
  const { paths, label, signal, onProgress, everyMs = 500 } = options;
  let missing = await missingOf(paths);
  if (missing.length === 0) return;
  const progress = trackProgress({ onProgress, label, total: paths.length });
  while (missing.length > 0) {
    progress.set(paths.length - missing.length);
    await sleep(everyMs, undefined, { signal }).catch(() => {}); // a stop is told of as everywhere
    throwIfAborted(signal, 'Waiting');
    missing = await missingOf(missing);
  }
  progress.set(paths.length);
}

async function missingOf(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(paths.map(isFile));
  return paths.filter((_, i) => !found[i]);
}
