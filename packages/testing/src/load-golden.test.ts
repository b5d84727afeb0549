import { readFileSync } from 'node:fs';
import { CheckpointError, DTypeError, FileError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { goldenPath, loadGoldenManifest } from './golden-manifest.js';
import { goldenWeightSource, loadGolden, parseGoldenFile } from './load-golden.js';

const manifest = loadGoldenManifest();

describe('loadGolden', () => {
  it.each(Object.keys(manifest.goldens))('finds in %s what the manifest says', (name) => {
    const entries = manifest.goldens[name]?.tensors ?? {};
    const golden = loadGolden(name);
    expect([...golden.keys()].sort()).toEqual(Object.keys(entries).sort());
    for (const [tensor, { shape, dtype }] of Object.entries(entries)) {
      const found =
        dtype === 'f64' ? golden.f64(tensor.replace(/\.f64$/, '')) : golden[dtype](tensor);
      expect(found.shape, tensor).toEqual(shape);
      expect(found.data.every(Number.isFinite), tensor).toBe(true);
    }
  });

  it('refuses a golden that does not exist and lists those that do', () => {
    expect(() => loadGolden('ddim-21')).toThrow(FileError);
    expect(() => loadGolden('ddim-21')).toThrow('ddim-20, iddpm-20');
  });

  it('refuses a missing tensor and one of another type', () => {
    const golden = loadGolden('ddim-20');
    expect(() => golden.f32('latent')).toThrow(CheckpointError);
    expect(() => golden.f32('latent')).toThrow('latents');
    expect(() => golden.f32('labels')).toThrow(DTypeError);
    expect(() => golden.f64('labels')).toThrow(CheckpointError);
  });

  it('lies as far from float64 as the manifest says', () => {
    const golden = loadGolden('ddim-20');
    const [single, double] = [golden.f32('latents').data, golden.f64('latents').data];
    const largest = (values: Float64Array) =>
      values.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    const deviation = largest(double.map((v, i) => v - (single[i] as number))) / largest(double);
    const stated = manifest.goldens['ddim-20']?.tensors.latents?.float32Deviation ?? Number.NaN;
    expect(Math.abs(deviation / stated - 1)).toBeLessThan(0.1);
  });
});

describe('parseGoldenFile', () => {
  const bytes = readFileSync(goldenPath('proxy.safetensors'));

  it.each([
    ['empty', bytes.subarray(0, 0)],
    ['cut in the header', bytes.subarray(0, 100)],
    ['cut in the last tensor', bytes.subarray(0, -1)],
    ['of another kind', readFileSync(goldenPath('routers.pt'))],
  ])('refuses a file that is %s', (_, broken) => {
    expect(() => parseGoldenFile('broken', broken)).toThrow(CheckpointError);
  });
});

describe('goldenWeightSource', () => {
  it('has every parameter of the official module, in its shape', async () => {
    const {
      depth,
      hidden_size: width,
      patch_size: patch,
      input_size,
      in_channels,
      num_classes,
    } = manifest.weights.config;
    const source = goldenWeightSource();
    const shapes = Object.fromEntries(source.names.map((name) => [name, source.info(name).shape]));
    const blocks = Array.from({ length: depth }, (_, i) => [
      [`blocks.${i}.attn.qkv.weight`, [3 * width, width]],
      [`blocks.${i}.attn.qkv.bias`, [3 * width]],
      [`blocks.${i}.attn.proj.weight`, [width, width]],
      [`blocks.${i}.attn.proj.bias`, [width]],
      [`blocks.${i}.mlp.fc1.weight`, [4 * width, width]],
      [`blocks.${i}.mlp.fc1.bias`, [4 * width]],
      [`blocks.${i}.mlp.fc2.weight`, [width, 4 * width]],
      [`blocks.${i}.mlp.fc2.bias`, [width]],
      [`blocks.${i}.adaLN_modulation.1.weight`, [6 * width, width]],
      [`blocks.${i}.adaLN_modulation.1.bias`, [6 * width]],
    ]);
    expect(shapes).toEqual({
      pos_embed: [1, (input_size / patch) ** 2, width],
      'x_embedder.proj.weight': [width, in_channels, patch, patch],
      'x_embedder.proj.bias': [width],
      't_embedder.mlp.0.weight': [width, 256],
      't_embedder.mlp.0.bias': [width],
      't_embedder.mlp.2.weight': [width, width],
      't_embedder.mlp.2.bias': [width],
      'y_embedder.embedding_table.weight': [num_classes + 1, width],
      ...Object.fromEntries(blocks.flat()),
      'final_layer.adaLN_modulation.1.weight': [2 * width, width],
      'final_layer.adaLN_modulation.1.bias': [2 * width],
      'final_layer.linear.weight': [2 * in_channels * patch ** 2, width],
      'final_layer.linear.bias': [2 * in_channels * patch ** 2],
    });
    for (const name of source.names) {
      expect(
        (await source.read(name)).some((value) => value !== 0),
        name,
      ).toBe(true);
    }
  });

  it('hands out memory of its own and refuses unknown names', async () => {
    const source = goldenWeightSource();
    const first = await source.read('pos_embed');
    first.fill(0);
    expect((await source.read('pos_embed')).some((value) => value !== 0)).toBe(true);
    expect(() => source.info('pos_embeds')).toThrow(CheckpointError);
    await expect(source.read('pos_embeds')).rejects.toThrow(CheckpointError);
  });
});
