import '@tensorflow/tfjs-backend-cpu';
import { type Backbone, CheckpointError, type WeightSource } from '@harmonica/core';
import { memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { arrayOf, readFixture, type StoredArrays, sourceOf } from '../test/fixture.js';
import { outputBits } from '../test/parity.js';
import { loadDit } from './dit/dit-family.js';
import { loadSit, sitConfig } from './dit/sit.js';
import { pixartConfig } from './pixart/pixart-config.js';
import { loadPixart } from './pixart/pixart-family.js';
import { uvitConfig } from './uvit/uvit-config.js';
import { loadUvit } from './uvit/uvit-family.js';

const SIT = sitConfig('SiT-S/2', {
  depth: 2,
  hiddenSize: 24,
  heads: 2,
  inputSize: 8,
  numClasses: 5,
});
const PIXART = pixartConfig('PixArt-XL-2-1024-MS', {
  depth: 2,
  hiddenSize: 24,
  heads: 2,
  inputSize: 8,
  captionChannels: 10,
  captionTokens: 5,
});
const UVIT = uvitConfig('imagenet256_uvit_huge', {
  depth: 4,
  hiddenSize: 24,
  heads: 2,
  inputSize: 8,
  numClasses: 5,
});

const load = {
  dit: (source: WeightSource) => loadDit({ config: { ...SIT, name: 'DiT' }, source }),
  sit: (source: WeightSource) => loadSit({ config: SIT, source }),
  pixart: (source: WeightSource) => loadPixart({ config: PIXART, source }),
  uvit: (source: WeightSource) => loadUvit({ config: UVIT, source }),
};

/** A file of each layout, a tensor to leave out, one to add and one to give another shape. */
const FILES = [
  {
    file: 'sit',
    by: load.dit,
    missing: 'blocks.1.attn.qkv.bias',
    extra: 'blocks.2.attn.qkv.bias',
    misshapen: 'final_layer.linear.weight',
  },
  {
    file: 'sit-diffusers',
    by: load.dit,
    missing: 'transformer_blocks.1.attn1.to_k.bias',
    extra: 'transformer_blocks.2.attn1.to_k.bias',
    misshapen: 'proj_out_2.weight',
  },
  {
    file: 'sit',
    by: load.sit,
    missing: 'x_embedder.proj.weight',
    extra: 'x_embedder.norm.weight',
    misshapen: 'final_layer.linear.bias',
  },
  {
    file: 'sit-diffusers',
    by: load.sit,
    missing: 'transformer_blocks.0.norm1.emb.class_embedder.embedding_table.weight',
    extra: 'transformer_blocks.0.norm2.weight',
    misshapen: 'transformer_blocks.1.attn1.to_v.weight',
  },
  {
    file: 'pixart-alpha',
    by: load.pixart,
    missing: 'blocks.1.cross_attn.kv_linear.weight',
    extra: 'blocks.0.attn.sr.weight',
    misshapen: 'csize_embedder.mlp.2.weight',
  },
  {
    file: 'pixart-alpha-diffusers',
    by: load.pixart,
    missing: 'transformer_blocks.1.attn2.to_v.weight',
    extra: 'transformer_blocks.1.attn2.norm_q.weight',
    misshapen: 'adaln_single.emb.aspect_ratio_embedder.linear_1.bias',
  },
  {
    file: 'uvit-labels',
    by: load.uvit,
    missing: 'mid_block.norm1.weight',
    extra: 'out_blocks.2.skip_linear.bias',
    misshapen: 'out_blocks.1.skip_linear.weight',
  },
];

async function failure(loading: Promise<Backbone>): Promise<unknown> {
  const before = memory().numTensors;
  const error = await loading.catch((caught: unknown) => caught);
  expect(memory().numTensors).toBe(before);
  return error;
}

describe.each(FILES)('loading $file', ({ file, by, missing, extra, misshapen }) => {
  const arrays: StoredArrays = readFixture(file);

  it('names a missing, an extra and a misshapen tensor in full, as the file calls them', async () => {
    const changed = new Map(arrays);
    expect(changed.delete(missing)).toBe(true);
    const { shape, data } = arrayOf(arrays, misshapen);
    changed.set(misshapen, { shape: [1, ...shape], data });
    changed.set(extra, { shape: [1], data: new Float32Array(1) });
    const error = await failure(by(sourceOf(changed)));
    expect(error).toBeInstanceOf(CheckpointError);
    const { message } = error as CheckpointError;
    const [wrong, right] = [[1, ...shape].join(', '), shape.join(', ')];
    expect(message).toContain(`${missing} is missing`);
    expect(message).toContain(`${extra} is not a parameter of`);
    expect(message).toContain(`${misshapen} has shape [${wrong}] where [${right}] is expected`);
    expect(message.match(/;/g)).toHaveLength(2);
  });
});

describe("diffusers' layout of a DiT", () => {
  const arrays = readFixture('sit-diffusers');
  const copy = 'transformer_blocks.1.norm1.emb.timestep_embedder.linear_2.weight';

  it('gives the same bits as the official one', async () => {
    const run = readFixture('sit-run');
    const [official, diffusers] = await Promise.all(
      [readFixture('sit'), arrays].map(async (file) => {
        const backbone = await load.dit(sourceOf(file));
        const bits = outputBits(backbone, run);
        backbone.dispose();
        return bits;
      }),
    );
    expect(diffusers).toEqual(official);
  });

  it('may leave the copies of its embeddings out', async () => {
    const changed = new Map(arrays);
    changed.delete(copy);
    (await load.dit(sourceOf(changed))).dispose();
  });

  it('must not have copies that differ', async () => {
    const { shape, data } = arrayOf(arrays, copy);
    const changed = new Map(arrays).set(copy, { shape, data: data.with(7, 0.5) });
    const error = await failure(load.dit(sourceOf(changed)));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error).toMatchObject({ key: copy });
  });
});

it('takes a PixArt without regard to its stored position table and null caption', async () => {
  const table = { shape: [1, 1], data: new Float32Array([NaN]) };
  for (const [file, names] of [
    ['pixart-alpha', ['pos_embed', 'y_embedder.y_embedding']],
    ['pixart-alpha-diffusers', ['pos_embed.pos_embed', 'caption_projection.y_embedding']],
  ] as const) {
    const arrays = new Map(readFixture(file));
    for (const name of names) arrays.set(name, table);
    (await load.pixart(sourceOf(arrays))).dispose();
  }
});
