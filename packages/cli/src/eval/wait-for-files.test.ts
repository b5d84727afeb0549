import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError } from '@harmonica/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { waitForFiles } from './wait-for-files.js';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true }));

const contextOf = (signal: AbortSignal, onWrite: (text: string) => void = () => {}) => ({
  signal,
  stdout: { write: () => {} },
  stderr: { isTTY: true, columns: 80, write: onWrite },
});
const { signal } = new AbortController();

describe('waitForFiles', () => {
  it('returns once all are there, and shows what it waits for until then', async () => {
    const paths = ['a', 'b'].map((name) => join(folder, name));
    const [first, second] = paths as [string, string];
    await writeFile(first, '');
    let shown = '';
    const context = contextOf(signal, (text) => {
      shown += text;
    });
    let isDone = false;
    const waiting = waitForFiles({ paths, label: 'the others', context, everyMs: 1 }).then(() => {
      isDone = true;
    });
    await expect.poll(() => shown).toMatch(/the others.*1\/2/);
    expect(isDone).toBe(false);
    await writeFile(second, '');
    await waiting;
    shown = '';
    await waitForFiles({ paths, label: 'the others', context });
    expect(shown).toBe('');
  });

  it('can be stopped', async () => {
    const controller = new AbortController();
    const context = contextOf(controller.signal);
    const waiting = waitForFiles({ paths: [join(folder, 'never')], label: 'it', context });
    controller.abort();
    await expect(waiting).rejects.toThrow(AbortedError);
  });
});
