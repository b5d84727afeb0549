import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { temporaryFolder } from '@harmonica/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../emoji-dit/test/tiny-model.js';
import { runCommand } from '../test/run-command.js';

const BEFORE = new URL('./__fixtures__/before-folders/', import.meta.url).pathname;

/** Training states and routers of the version before are held to by the tests of `@harmonica/sdt`. */
describe('files of the version before', () => {
  let folder: string;
  let model: string;
  beforeAll(async () => {
    folder = await temporaryFolder();
    model = await writeTinyModel(join(folder, 'model'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const sampledWith = async (...cache: string[]): Promise<{ cacheUtilization: number }> => {
    const out = join(folder, 'samples');
    const run = ['sample', '--model', model, '--backend', 'cpu', '--seeds', '0', '--out', out];
    const { status, stderr } = await runCommand([...run, ...cache]);
    expect(status, stderr).toBe(0);
    return JSON.parse(await readFile(join(out, 'run.json'), 'utf8')).cache;
  };

  it.each([
    ['magcache', 0.1],
    ['smoothcache', 2],
    ['teacache', 2],
  ])('are calibrations of %s that a policy is made of', async (method, threshold) => {
    const file = join(BEFORE, `${method}.json`);
    const cache = await sampledWith('--policy', `${method}:${file},threshold=${threshold}`);
    expect(cache.cacheUtilization).toBeGreaterThan(0);
  });

  it('are schedules that are sampled with', async () => {
    const cache = await sampledWith('--router', join(BEFORE, 'schedule.json'));
    expect(cache.cacheUtilization).toBe(0.25);
  });

  it('are folders of evaluations, of which nothing is done again and every number is as it was', async () => {
    const out = join(folder, 'eval');
    await mkdir(out);
    await cp(join(BEFORE, 'eval'), out, { recursive: true });
    const config = JSON.parse(await readFile(join(BEFORE, 'eval.json'), 'utf8'));
    const path = join(folder, 'eval.json');
    await writeFile(path, JSON.stringify({ ...config, model }));
    // A checkout has no empty folders.
    const filesIn = async (root: string) =>
      (await readdir(root, { recursive: true })).filter((name) => extname(name) !== '').sort();
    const { status, stderr } = await runCommand(['eval', path, '--backend', 'cpu', '--out', out]);
    expect(status, stderr).toBe(0);
    expect(await filesIn(join(out, 'kept'))).toEqual(await filesIn(join(BEFORE, 'eval/kept')));
    const results = async (file: string) =>
      (await readFile(file, 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).results);
    const rows = await results(join(BEFORE, 'eval/results.jsonl'));
    expect(rows[0]).toBeDefined();
    expect(await results(join(out, 'results.jsonl'))).toEqual(rows);
  });
});
