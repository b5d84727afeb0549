import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '@harmonica/core';
import type { CliContext } from '../cli-context.js';
import { isFile } from '../is-file.js';
import { startProgressBar } from '../progress-bar.js';

/** Options of {@link waitForFiles}. */
export interface WaitForFilesOptions {
  readonly paths: readonly string[];
  /** What is waited for. */
  readonly label: string;
  readonly context: CliContext;
  /** Time between two looks. Default 500. */
  readonly everyMs?: number;
}

/** Waits until files are there that other processes make. @throws {@link AbortedError} */
export async function waitForFiles(options: WaitForFilesOptions): Promise<void> {
  const { paths, label, context, everyMs = 500 } = options;
  const { stderr: output, signal } = context;
  let missing = await missingOf(paths);
  if (missing.length === 0) return;
  const bar = startProgressBar({ output, label, total: paths.length });
  try {
    while (missing.length > 0) {
      bar.update(paths.length - missing.length);
      await sleep(everyMs, undefined, { signal }).catch(() => {}); // a stop is told of as everywhere
      throwIfAborted(signal, 'Waiting');
      missing = await missingOf(missing);
    }
  } finally {
    bar.stop();
  }
}

async function missingOf(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(paths.map(isFile));
  return paths.filter((_, i) => !found[i]);
}
