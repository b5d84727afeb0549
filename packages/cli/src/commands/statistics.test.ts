import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePng } from '@harmonica/pictures';
import { temporaryFolder } from '@harmonica/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../test/run-command.js';

describe('harmonica statistics', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await temporaryFolder();
    for (const name of ['few', 'none', 'sizes']) await mkdir(join(folder, name));
    const png = (width: number) =>
      encodePng({ data: new Uint8Array(3 * width), width, height: 1, channels: 3 });
    await writeFile(join(folder, 'few', 'a.png'), png(1));
    await Promise.all(
      Array.from({ length: 2048 }, (_, i) =>
        writeFile(join(folder, 'sizes', `${10_000 + i}.png`), png(i < 2047 ? 1 : 2)),
      ),
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['few', /<folder> is ".*few"; expected at least 2048 PNG files, .*; there are 1/],
    ['none', /<folder> is ".*none"; expected a folder with PNG files/],
    ['sizes', /12047\.png.*\[1, 2\].*\[1, 1\]/],
    ['missing', /missing/],
  ])('refuses a folder with %s before it loads anything', async (name, message) => {
    const out = join(folder, 'made', 'x.npz');
    const { status, stderr } = await runCommand(['statistics', join(folder, name), '--out', out]);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/engine/);
    expect(await readdir(folder)).not.toContain('made');
  });
});
