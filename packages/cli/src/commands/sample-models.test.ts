import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunManifest } from '@harmonica/pipeline';
import { temporaryFolder } from '@harmonica/testing';
import { decodeSafetensors, writeSafetensors } from '@harmonica/weights';
import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../test/run-command.js';

const FIXTURES = fileURLToPath(new URL('../../../backbones/src/__fixtures__/', import.meta.url));

/** Small models with the official names, and what they are. */
const OFFICIAL = {
  sit: { family: 'sit', depth: 2, hiddenSize: 24, heads: 2, patchSize: 2 },
  'uvit-labels': {
    family: 'uvit',
    depth: 4,
    hiddenSize: 24,
    heads: 2,
    patchSize: 2,
    inputSize: 8,
    numClasses: 5,
  },
  'pixart-alpha': {
    family: 'pixart',
    depth: 2,
    hiddenSize: 24,
    heads: 2,
    patchSize: 2,
    inputSize: 8,
    latentHeight: 6,
    latentWidth: 10,
    positionScale: 2,
    microConditions: true,
    captionChannels: 10,
    captionTokens: 5,
  },
} as const;

/** `transformer/config.json` for the fixture `pixart-sigma-diffusers`. */
const PIXART_SIGMA = {
  _class_name: 'PixArtTransformer2DModel',
  activation_fn: 'gelu-approximate',
  attention_bias: true,
  attention_head_dim: 12,
  caption_channels: 8,
  cross_attention_dim: 36,
  in_channels: 3,
  interpolation_scale: 0.5,
  norm_type: 'ada_norm_single',
  num_attention_heads: 3,
  num_layers: 1,
  out_channels: 3,
  patch_size: 4,
  sample_size: 8,
  use_additional_conditions: false,
};

describe('harmonica sample, other models', () => {
  let folder: string;
  const sample = async (out: string, argv: readonly string[]) => {
    const all = ['sample', '--backend', 'cpu', '--steps', '3', '--seeds', '0-2', '--batch', '2'];
    const result = await runCommand([...all, ...argv, '--out', join(folder, out)]);
    expect(result.stderr).not.toMatch(/error/);
    expect(result.status).toBe(0);
    const manifest: RunManifest = JSON.parse(await readFile(join(folder, out, 'run.json'), 'utf8'));
    const file = await readFile(join(folder, out, 'latents.safetensors'));
    const latents = decodeSafetensors(file).tensors.get('latents');
    return { manifest, latents };
  };
  const official = async (name: keyof typeof OFFICIAL) => {
    const file = join(folder, `${name}.json`);
    await writeFile(file, JSON.stringify(OFFICIAL[name]));
    return ['--model', join(FIXTURES, `${name}.safetensors`), '--architecture', file];
  };
  const prompts = async (name: string, shape: readonly number[], negative: boolean) => {
    const path = join(folder, `${name}-prompts.safetensors`);
    const [count = 1, tokens = 1] = shape;
    const size = shape.reduce((a, b) => a * b, 1);
    const half = (prefix: string, factor: number) => [
      [
        `${prefix}prompt_embeds`,
        { shape, data: Float32Array.from({ length: size }, (_, i) => Math.sin(factor * i)) },
      ] as const,
      [
        `${prefix}prompt_attention_mask`,
        { shape: [count, tokens], data: new Float32Array(count * tokens).fill(1) },
      ] as const,
    ];
    const tensors = new Map([...half('', 1), ...(negative ? half('negative_', 2) : [])]);
    await writeSafetensors(path, { tensors });
    return path;
  };

  beforeAll(async () => {
    folder = await temporaryFolder();
  });

  it('samples a SiT along its own path, with a cache', async () => {
    const model = await official('sit');
    const { manifest, latents } = await sample('sit', [...model, '--policy', 'fora:2']);
    expect(manifest).toMatchObject({
      plan: { sampler: 'sit-ode-euler', prediction: 'velocity' },
      guidance: { scale: 1.5, channels: 3 },
      cache: { name: 'fora:2' },
    });
    expect(latents?.shape).toEqual([3, 8, 8, 4]);
    const refused = await runCommand(['sample', ...model, '--sampler', 'ddim', '--out', folder]);
    expect(refused.stderr).toMatch(/What ddim samples is "diffusion"; expected "sit"/);
    expect(refused.stderr).toMatch(/Samplers for this model: sit-ode, sit-sde/);
  });

  it('samples a U-ViT with the noise of Stable Diffusion', async () => {
    const { manifest } = await sample('uvit', [
      ...(await official('uvit-labels')),
      ...['--sampler', 'ddim', '--class', '4', '1'],
    ]);
    expect(manifest.plan).toMatchObject({
      sampler: 'ddim',
      settings: { schedule: 'scaled-linear' },
    });
    expect(manifest.guidance).toEqual({ scale: 1.4, channels: 4 });
    expect(manifest.images.map((image) => image.class)).toEqual(['class-4', 'class-1', 'class-4']);
  });

  it('samples a PixArt-alpha from prompts, guided by the caption that stands for none', async () => {
    const model = await official('pixart-alpha');
    const refused = await runCommand(['sample', ...model, '--out', folder]);
    expect(refused.stderr).toMatch(/--prompts-file is undefined; expected embeddings of prompts/);
    const file = await prompts('alpha', [2, 5, 10], false);
    const tensors = memory().numTensors;
    const { manifest, latents } = await sample('alpha', [...model, '--prompts-file', file]);
    expect(memory().numTensors).toBe(tensors);
    expect(manifest).toMatchObject({ plan: { sampler: 'dpm-solver++' }, guidance: { scale: 4.5 } });
    expect(manifest.images.map((image) => image.class)).toEqual([
      'prompt-0',
      'prompt-1',
      'prompt-0',
    ]);
    expect(latents?.shape).toEqual([3, 6, 10, 4]);
  });

  it('samples a PixArt-Sigma from a folder of diffusers, with negative prompts or unguided', async () => {
    const model = join(folder, 'pipeline');
    await mkdir(join(model, 'transformer'), { recursive: true });
    const index = {
      _class_name: 'PixArtSigmaPipeline',
      transformer: ['diffusers', 'PixArtTransformer2DModel'],
    };
    await writeFile(join(model, 'model_index.json'), JSON.stringify(index));
    await writeFile(join(model, 'transformer', 'config.json'), JSON.stringify(PIXART_SIGMA));
    await copyFile(
      join(FIXTURES, 'pixart-sigma-diffusers.safetensors'),
      join(model, 'transformer', 'diffusion_pytorch_model.safetensors'),
    );
    const guided = ['--model', model, '--prompts-file', await prompts('sigma', [1, 4, 8], true)];
    const { manifest, latents } = await sample('sigma', guided);
    expect(latents?.shape).toEqual([3, 8, 8, 3]);
    expect(manifest.guidance).toEqual({ scale: 4.5, channels: 3 });

    const alone = await prompts('alone', [1, 4, 8], false);
    const argv = ['sample', '--model', model, '--prompts-file', alone, '--steps', '2'];
    const refused = await runCommand([...argv, '--out', join(folder, 'refused')]);
    expect(refused.stderr).toMatch(/expected negative prompts .* or sample without guidance/);
    const { status } = await runCommand([...argv, '--guidance', '1', '--out', join(folder, 'one')]);
    expect(status).toBe(0);
  });

  it('refuses random weights, and a file that is of another architecture', async () => {
    const random = await runCommand(['sample', '--model', 'dit-xl-2-256', '--out', folder]);
    expect(random.stderr).toMatch(/--model is "dit-xl-2-256"; expected a model with weights/);
    const model = (await official('sit')).slice(0, 2);
    const other = await runCommand(['sample', ...model, '--dit', 'dit-s-2', '--out', folder]);
    expect(other.stderr).toMatch(/error: .*sit\.safetensors/);
  });
});
