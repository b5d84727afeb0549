import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseCacheSchedule } from '@harmonica/core';
import type { RowRecord } from '@harmonica/evaluation';
import type { RunManifest } from '@harmonica/pipeline';
import { temporaryFolder } from '@harmonica/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import '../../test/own-method.mjs';
import { runCommand } from '../../test/run-command.js';

/** Of the tiny model: attention, MLP and again. */
const [FULL, ATTENTION] = ['111111', '101010'];

describe('a caching method and a predictor that a module registers', () => {
  let folder: string;
  let model: string;
  beforeAll(async () => {
    folder = await temporaryFolder();
    model = await writeTinyModel(join(folder, 'model'));
  });

  it('are options of harmonica sample', async () => {
    const out = join(folder, 'sample');
    const { stderr, stdout, status } = await runCommand([
      ...['sample', '--model', model, '--steps', '5', '--seeds', '1', '--class', 'heart'],
      ...['--policy', 'mine:3', '--predictor', 'fading', '--out', out],
    ]);
    expect({ stderr, status }).toMatchObject({ status: 0 });
    expect(stdout).toContain('mine:3,predictor=fading: CUR 30.0 %');
    const { cache }: RunManifest = JSON.parse(await readFile(join(out, 'run.json'), 'utf8'));
    const schedule = cache && 'schedule' in cache ? cache.schedule : undefined;
    expect(schedule).toMatchObject({
      table: [FULL, ATTENTION, ATTENTION, FULL, ATTENTION],
      predictor: 'fading',
    });
  });

  it('stand in its help and in its refusals', async () => {
    const { stdout } = await runCommand(['sample', '--help']);
    expect(stdout).toContain('mine:<interval>\n    every n-th step is computed, and the attention');
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/of --policy: hold, .*, fading \(default/);
    const { stderr, status } = await runCommand(['sample', '--model', model, '--policy', 'mein']);
    expect(stderr).toMatch(/expected one of none, .*, schedule, mine, or a file/);
    expect(status).toBe(1);
  });

  it('are rows of harmonica eval', async () => {
    const config = join(folder, 'eval.json');
    const rows = [{ policy: 'mine:2' }, { policy: { policy: 'mine', interval: 3 } }];
    const run = { model, images: 1, batch: 1, classes: ['heart'], latency: false };
    await writeFile(config, JSON.stringify({ ...run, groups: [{ steps: 4, rows }] }));
    const out = join(folder, 'eval');
    const { stderr, status } = await runCommand(['eval', config, '--out', out]);
    expect({ stderr, status }).toMatchObject({ status: 0 });
    const lines = (await readFile(join(out, 'results.jsonl'), 'utf8')).trim().split('\n');
    const results = lines.map((line): RowRecord => JSON.parse(line).results);
    expect(results.map(({ name, method }) => [name, method])).toEqual([
      ['ddim 4', 'ddim, fewer steps'],
      ['mine:2', 'mine'],
      ['mine:3', 'mine'],
    ]);
  });

  it('are there for a program that node is told to import first', async () => {
    const main = fileURLToPath(new URL('../main.ts', import.meta.url));
    const own = new URL('../../test/own-method.mjs', import.meta.url).href;
    const out = join(folder, 'mine.json');
    await promisify(execFile)(process.execPath, [
      ...['--conditions=@harmonica/source', '--import', import.meta.resolve('tsx')],
      ...['--import', own, main, 'schedule', 'make', 'mine:3', '--model', model],
      ...['--steps', '5', '--out', out],
    ]);
    const { table, provenance } = parseCacheSchedule(await readFile(out, 'utf8'));
    expect(table).toEqual([FULL, ATTENTION, ATTENTION, FULL, ATTENTION]);
    expect(provenance?.training).toEqual({ policy: 'mine:3' });
  });
});
