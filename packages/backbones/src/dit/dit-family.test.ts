import '@tensorflow/tfjs-backend-cpu';
import {
  AbortedError,
  CheckpointError,
  InvalidArgumentError,
  NonFiniteError,
  type WeightSource,
} from '@harmonica/core';
import { memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { arrayOf, readFixture, type StoredArray, sourceOf } from '../../test/fixture.js';
import { type DitConfig, ditConfig } from './dit.js';
import { ditParameters, loadDit } from './dit-family.js';

const CONFIG: DitConfig = {
  name: 'small',
  depth: 1,
  hiddenSize: 24,
  heads: 2,
  patchSize: 4,
  mlpRatio: 2.5,
  inputSize: 12,
  inChannels: 3,
  numClasses: 3,
  learnSigma: false,
};
const ARRAYS = readFixture('dit-without-sigma');

/** The fixture with some arrays replaced, added or, if undefined, taken out. */
function changed(changes: Record<string, StoredArray | undefined>): WeightSource {
  const arrays = new Map(ARRAYS);
  for (const [name, array] of Object.entries(changes)) {
    if (array) arrays.set(name, array);
    else arrays.delete(name);
  }
  return sourceOf(arrays);
}

async function failure(source: WeightSource): Promise<unknown> {
  const before = memory().numTensors;
  const error = await loadDit({ config: CONFIG, source }).catch((caught: unknown) => caught);
  expect(memory().numTensors).toBe(before);
  return error;
}

const withValue = (name: string, index: number, value: number): StoredArray => {
  const { shape, data } = arrayOf(ARRAYS, name);
  return { shape, data: data.with(index, value) };
};

describe('loadDit', () => {
  it('loads one tensor at a time and tells how far it is', async () => {
    const seen: string[] = [];
    let reading = 0;
    const source: WeightSource = {
      ...sourceOf(ARRAYS),
      async read(name) {
        expect(++reading).toBe(1);
        const values = await sourceOf(ARRAYS).read(name);
        reading -= 1;
        return values;
      },
    };
    const backbone = await loadDit({
      config: CONFIG,
      source,
      onProgress: ({ name, loaded, total }) => seen.push(`${loaded}/${total} ${name}`),
    });
    backbone.dispose();
    const names = ditParameters(CONFIG).map(({ name }) => name);
    expect(seen).toEqual(names.map((name, i) => `${i + 1}/${names.length} ${name}`));
  });

  it('names every tensor that is missing, unknown or of another shape, before reading any', async () => {
    const error = await failure({
      ...changed({
        'blocks.0.attn.qkv.bias': undefined,
        'blocks.1.attn.qkv.bias': { shape: [72], data: new Float32Array(72) },
        'final_layer.linear.weight': { shape: [24, 48], data: new Float32Array(24 * 48) },
      }),
      read: () => expect.unreachable('nothing is read'),
    });
    expect(error).toBeInstanceOf(CheckpointError);
    const { message } = error as CheckpointError;
    expect(message).toContain('blocks.0.attn.qkv.bias is missing');
    expect(message).toContain('blocks.1.attn.qkv.bias is not a parameter of small');
    expect(message).toContain('final_layer.linear.weight has shape [24, 48] where [48, 24] is');
  });

  it('shortens the list of a file for quite another model', async () => {
    const source = sourceOf(ARRAYS);
    const loading = loadDit({ config: ditConfig('DiT-S/8'), source });
    await expect(loading).rejects.toThrowError(/x_embedder.proj.weight has shape.*; and \d+ more/);
  });

  it.each([Number.NaN, Infinity, -Infinity])('refuses %s, naming the tensor', async (value) => {
    const name = 'blocks.0.mlp.fc2.weight';
    const error = await failure(changed({ [name]: withValue(name, 100, value) }));
    expect(error).toBeInstanceOf(NonFiniteError);
    expect((error as NonFiniteError).site).toContain(name);
  });

  it('does without a position table', async () => {
    (await loadDit({ config: CONFIG, source: changed({ pos_embed: undefined }) })).dispose();
  });

  it('accepts a position table that was rounded to 16 bits, and no other', async () => {
    const { shape, data } = arrayOf(ARRAYS, 'pos_embed');
    const off = (error: number) =>
      changed({ pos_embed: { shape, data: data.map((v) => v + error) } });
    (await loadDit({ config: CONFIG, source: off(0.0015) })).dispose();
    const error = await failure(off(0.003));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error).toMatchObject({ key: 'pos_embed' });
    expect((error as Error).message).toMatch(/differs from the fixed table by 0.0030.*3 x 3 grid/);
  });

  it('refuses a position table of another grid, and one with NaN', async () => {
    const other = { shape: [1, 16, 24], data: new Float32Array(16 * 24) };
    expect(await failure(changed({ pos_embed: other }))).toMatchObject({ key: 'pos_embed' });
    const broken = withValue('pos_embed', 7, Number.NaN);
    expect(await failure(changed({ pos_embed: broken }))).toBeInstanceOf(NonFiniteError);
  });

  it('refuses a configuration that no DiT can have', async () => {
    const loading = loadDit({ config: { ...CONFIG, heads: 7 }, source: sourceOf(ARRAYS) });
    await expect(loading).rejects.toBeInstanceOf(InvalidArgumentError);
  });

  it('stops when its caller says so, and frees what it has loaded', async () => {
    const before = memory().numTensors;
    const controller = new AbortController();
    const loading = loadDit({
      config: CONFIG,
      source: sourceOf(ARRAYS),
      onProgress: ({ loaded }) => loaded === 3 && controller.abort(),
      signal: controller.signal,
    });
    await expect(loading).rejects.toBeInstanceOf(AbortedError);
    expect(memory().numTensors).toBe(before);
  });
});
