import { readFile } from 'node:fs/promises';
import { FileError } from '@harmonica/core';
import writeFileAtomic from 'write-file-atomic';
import { parseTrainingState, type TrainingState } from './training-run.js';

/**
 * Writes a training state. A reader sees the old file or the new one, never a part: the file is written beside its
 * place, flushed and renamed.
 *
 * @throws {@link FileError} if it cannot be written; an existing file is untouched
 */
export async function writeTrainingState(path: string, state: TrainingState): Promise<void> {
  try {
    await writeFileAtomic(path, `${JSON.stringify(state)}\n`);
  } catch (cause) {
    throw new FileError({
      path,
      problem: `cannot write the training state (${reason(cause)})`,
      fix: 'Choose a folder that exists and is writable.',
      cause,
    });
  }
}

/**
 * Reads a training state.
 *
 * @throws {@link FileError} if it cannot be read
 * @throws {@link ConfigError} if it is not a training state
 */
export async function readTrainingState(path: string): Promise<TrainingState> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new FileError({
      path,
      problem: `cannot read the training state (${reason(cause)})`,
      fix: 'Start a new run without --resume.',
      cause,
    });
  }
  return parseTrainingState(text, path);
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
