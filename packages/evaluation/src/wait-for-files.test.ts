import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError, type Progress } from '@harmonica/core';
import { temporaryFolder } from '@harmonica/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitForFiles } from './share.js';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true }));

describe('waitForFiles', () => {
  it('returns once all are there, and shows what it waits for until then', async () => {
    const paths = ['a', 'b'].map((name) => join(folder, name));
    const [first, second] = paths as [string, string];
    await writeFile(first, '');
    let shown: Progress[] = [];
    const onProgress = (progress: Progress) => shown.push(progress);
    let isDone = false;
    const waiting = waitForFiles({ paths, label: 'the others', onProgress, everyMs: 1 }).then(
      () => {
        isDone = true;
      },
    );
    await expect.poll(() => shown.at(-1)).toEqual({ label: 'the others', done: 1, total: 2 });
    expect(isDone).toBe(false);
    await writeFile(second, '');
    await waiting;
    expect(shown.at(-1)?.done).toBe(2);
    shown = [];
    await waitForFiles({ paths, label: 'the others', onProgress });
    expect(shown).toEqual([]);
  });

  it('can be stopped', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = waitForFiles({ paths: [join(folder, 'never')], label: 'it', signal });
    controller.abort();
    await expect(waiting).rejects.toThrow(AbortedError);
  });
});
