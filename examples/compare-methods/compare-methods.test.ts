import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeTinyModel } from '../../packages/emoji-dit/test/tiny-model.js';
import { compareMethods } from './index.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harmonica-compare-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Row {
  readonly policy?: string;
  readonly knob?: object;
}

it('names files that are here', async () => {
  const here = new URL('.', import.meta.url);
  const configs = (await readdir(here)).filter((name) =>
    /^(?!package|tsconfig).*\.json$/.test(name),
  );
  expect(configs).toContain('curve-20.json');
  const named = await Promise.all(
    configs.map(async (name) => {
      const text = await readFile(new URL(name, here), 'utf8');
      return [...text.matchAll(/examples\/compare-methods\/([\w./-]+\.json)/g)];
    }),
  );
  const files = [...new Set(named.flat().map(([, file]) => file as string))];
  expect(files.length).toBeGreaterThan(20);
  for (const file of files)
    await expect(readFile(new URL(file, here)), file).resolves.toBeDefined();
});

it('times the rows of the tables', async () => {
  const groupsOf = async (name: string) =>
    JSON.parse(await readFile(new URL(name, import.meta.url), 'utf8')).groups;
  const tables = await Promise.all(['fid-50.json', 'fid-20.json', 'fid-10.json'].map(groupsOf));
  expect(await groupsOf('speed.json')).toEqual(tables.flat());
});

it('scores every method that needs no file, on a tiny model', async () => {
  const config = JSON.parse(await readFile(new URL('emoji-dit.json', import.meta.url), 'utf8'));
  const [group] = config.groups;
  const isForAll = ({ policy = '', knob }: Row) => !knob && !/^ddim-|\.json/.test(policy);
  const rows = group.rows.filter(isForAll);
  expect(rows.length).toBeGreaterThan(6);
  // One image, untimed: the same rows in seconds.
  const quick = {
    ...config,
    model: await writeTinyModel(join(folder, 'model')),
    images: 1,
    groups: [{ ...group, rows }],
    reference: { steps: 25 },
    metrics: ['psnr'],
    latency: false,
  };
  const path = join(folder, 'quick.json');
  await writeFile(path, JSON.stringify(quick));
  const tables = await compareMethods(path, join(folder, 'out'));
  const lines = (await readFile(join(folder, 'out', 'results.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n');
  expect(lines).toHaveLength(rows.length + 1);
  for (const { name = '' } of rows) expect(tables).toContain(name);
});
