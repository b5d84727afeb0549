import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, FileError, InvalidArgumentError } from '@harmonica/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectedTensors, expectTensors, fixture } from '../__fixtures__/fixtures.js';
import { openCheckpoint } from '../open-checkpoint.js';
import { openSafetensorsShards } from './safetensors-file.js';

const indexName = 'model.safetensors.index.json';
const shardNames = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
const expected = expectedTensors(`sharded/${indexName}`);

let folder: string;
let index: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harmonica-shards-'));
  await cp(fixture('sharded'), folder, { recursive: true });
  index = join(folder, indexName);
});
afterEach(() => rm(folder, { recursive: true }));

/** Writes the index with some entries of its weight map replaced. */
async function changeIndex(entries: Record<string, unknown>): Promise<void> {
  const json = JSON.parse(await readFile(index, 'utf8'));
  await writeFile(index, JSON.stringify({ weight_map: { ...json.weight_map, ...entries } }));
}

describe('an index', () => {
  it('reads all shards as one', async () => {
    await expectTensors({ source: await openCheckpoint(index), expected });
  });

  it('says when a shard is missing', async () => {
    await rm(join(folder, shardNames[1] as string));
    await expect(openCheckpoint(index)).rejects.toThrow(FileError);
    await expect(openCheckpoint(index)).rejects.toThrow(/00002-of-00002\.safetensors.*ENOENT/);
  });

  it('says when a shard lacks a tensor', async () => {
    await changeIndex({ more: shardNames[0] });
    await expect(openCheckpoint(index)).rejects.toThrow(/00001.*\(more\): no such tensor/);
  });

  it.each(['../elsewhere', '/etc/passwd', '.', 3])('refuses the shard %s', async (shard) => {
    await changeIndex({ more: shard });
    await expect(openCheckpoint(index)).rejects.toThrow(CheckpointError);
    await expect(openCheckpoint(index)).rejects.toThrow(/\(more\): shard .* beside the index/);
  });

  it.each([
    ['', /not JSON/],
    ['{', /not JSON/],
    ['[]', /not a JSON object/],
    ['{"weight_map":[]}', /\(weight_map\): expected a JSON object/],
    [
      '{"weight_map":{"w":"a\\u0000.safetensors"}}',
      /\(w\): shard "a\\u0000\.safetensors"; expected/,
    ],
    ['{"metadata":{}}', /\(weight_map\): expected a JSON object/],
  ])('refuses %j', async (text, message) => {
    await writeFile(index, text);
    await expect(openCheckpoint(index)).rejects.toThrow(CheckpointError);
    await expect(openCheckpoint(index)).rejects.toThrow(message);
  });

  it('refuses a file too large for an index without reading it', async () => {
    await truncate(index, 2 ** 40);
    await expect(openCheckpoint(index)).rejects.toThrow(/1099511627776 bytes; expected/);
  });

  it('refuses more shards than can be open, before it opens one', async () => {
    const entries = Array.from({ length: 1001 }, (_, i) => [`w${i}`, `${i}.safetensors`]);
    await writeFile(index, JSON.stringify({ weight_map: Object.fromEntries(entries) }));
    await expect(openCheckpoint(index)).rejects.toThrow(/1001 shards; expected at most 1000/);
  });

  it('refuses a name that occurs twice', async () => {
    const [shard] = shardNames;
    await writeFile(index, `{"weight_map":{"scale":"${shard}","scale":"${shard}"}}`);
    await expect(openCheckpoint(index)).rejects.toThrow(/\(scale\): .*twice/);
  });

  it('says when there is no index', async () => {
    await expect(openCheckpoint(join(folder, 'none.json'))).rejects.toThrow(FileError);
    await expect(openCheckpoint('a\0b.json')).rejects.toThrow(/no path: it has a NUL/);
    await expect(openCheckpoint('a\0b.json')).rejects.toThrow(FileError);
  });
});

describe('openSafetensorsShards', () => {
  const shards = () => shardNames.map((name) => join(folder, name));

  it('reads all shards as one', async () => {
    await expectTensors({ source: await openSafetensorsShards(shards()), expected });
  });

  it('refuses a tensor that is in two shards', async () => {
    const twice = openSafetensorsShards([...shards(), fixture('f32.safetensors')]);
    await expect(twice).rejects.toThrow(CheckpointError);
    await expect(twice).rejects.toThrow(/f32\.safetensors.*in an earlier shard/);
  });

  it('refuses none', async () => {
    await expect(openSafetensorsShards([])).rejects.toThrow(InvalidArgumentError);
  });
});
