import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@harmonica/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stacked } from './batches.js';
import { referenceFiles, referenceSet } from './reference-set.js';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true }));

const features = stacked([0, 1, 3, 4, 7].map((x) => [x, x * x]));
const { signal } = new AbortController();

describe('referenceFiles', () => {
  it.each([
    [['fid', 'sfid', 'precision-recall'], 3],
    [['fid', 'kid'], 1],
    [['precision-recall'], 1],
    [['kid', 'psnr', 'is'], 0],
  ] as const)('names what referenceSet makes for %j', async (metrics, count) => {
    const key = metrics.join();
    const set = { key, metrics, identity: { name: 'test', hash: '0' }, images: 4, folder, signal };
    const before = await readdir(folder);
    const measured = async function* () {
      yield new Map([
        ['features', features],
        ['spatial', features],
      ]);
    };
    const made = await referenceSet({ ...set, measured });
    const files = (await readdir(folder)).filter((file) => !before.includes(file));
    expect(files.map((file) => join(folder, file)).sort()).toEqual(referenceFiles(set).toSorted());
    expect(files).toHaveLength(count);
    expect(await referenceSet({ ...set, measured })).toEqual(made);
  });
});
