import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ImageJob, type ModelOptions, recordEngine, withPipeline } from '@harmonica/pipeline';
import { temporaryFolder } from '@harmonica/testing';
import { decodeSafetensors, writeSafetensors } from '@harmonica/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TINY_CONFIG, writeTinyModel } from '../../emoji-dit/test/tiny-model.js';
import type { EvalRow } from './row.js';
import { evalContext, resolveRow } from './rows.js';

const FIXTURES = fileURLToPath(new URL('../../backbones/src/__fixtures__/', import.meta.url));
const PIXART = {
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
};

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true }));

const rowOf = (model: ModelOptions, jobs: readonly ImageJob[] = [{ seed: 0, label: 0 }]) => {
  return withPipeline<EvalRow>({
    backend: 'cpu',
    ...model,
    use: async (pipeline) => {
      const engine = await recordEngine(pipeline.backend);
      const context = evalContext({ config: { batch: 1 }, pipeline, engine, jobs });
      return resolveRow(context, { group: { steps: 3 }, row: { policy: 'fora:2' } });
    },
  });
};
const keysOf = ({ key, imagesKey }: EvalRow) => ({ key, imagesKey });

/** Writes tensors of a file with one number changed. */
const changeWeights = async (path: string) => {
  const { tensors } = decodeSafetensors(await readFile(path));
  const [first] = tensors.values();
  const data = first?.data as Float32Array;
  data[0] = (data[0] as number) + 1;
  await writeSafetensors(path, { tensors });
};

describe('the keys of a row of a folder laid out like emoji-dit', () => {
  it.each([
    ['nothing', async () => {}, true, true],
    [
      'the autoencoder',
      (model: string) => changeWeights(join(model, 'vae.safetensors')),
      true,
      false,
    ],
    [
      'the scale of latents',
      (model: string) =>
        writeFile(
          join(model, 'config.json'),
          JSON.stringify({ ...TINY_CONFIG, scaling_factor: 2 }),
        ),
      true,
      false,
    ],
    [
      'the heads of the transformer',
      (model: string) =>
        writeFile(
          join(model, 'config.json'),
          JSON.stringify({ ...TINY_CONFIG, dit: { ...TINY_CONFIG.dit, num_heads: 4 } }),
        ),
      false,
      false,
    ],
    [
      'the transformer',
      (model: string) => changeWeights(join(model, 'dit.safetensors')),
      false,
      false,
    ],
  ])('change with %s', async (what, change, sameLatents, sameImages) => {
    const model = await writeTinyModel(join(folder, what));
    const before = await rowOf({ model });
    await change(model);
    const after = await rowOf({ model });
    expect(after.key === before.key).toBe(sameLatents);
    expect(after.imagesKey === before.imagesKey).toBe(sameImages);
  });

  it('change with seeds', async () => {
    const model = await writeTinyModel(join(folder, 'seeds'));
    const first = await rowOf({ model });
    const other = await rowOf({ model }, [{ seed: 1, label: 0 }]);
    expect(other.key).not.toBe(first.key);
    expect(other.imagesKey).not.toBe(first.imagesKey);
  });
});

describe('the keys of a row of a checkpoint', () => {
  const writePrompts = async (name: string, factor: number) => {
    const path = join(folder, name);
    const data = Float32Array.from({ length: 2 * 5 * 10 }, (_, i) => Math.sin(factor * i));
    const tensors = new Map([
      ['prompt_embeds', { shape: [2, 5, 10], data }],
      ['prompt_attention_mask', { shape: [2, 5], data: new Float32Array(10).fill(1) }],
    ]);
    await writeSafetensors(path, { tensors });
    return path;
  };
  const pixart = async () => {
    const architecture = join(folder, 'pixart.json');
    await writeFile(architecture, JSON.stringify(PIXART));
    return { model: join(FIXTURES, 'pixart-alpha.safetensors'), architecture };
  };

  it('change with the content of the prompts, not with the name of their file', async () => {
    const model = await pixart();
    const of = async (promptsFile: string) => keysOf(await rowOf({ ...model, promptsFile }));
    const first = await of(await writePrompts('a.safetensors', 1));
    expect(await of(await writePrompts('b.safetensors', 1))).toEqual(first);
    const other = await of(await writePrompts('a.safetensors', 2));
    expect(other.key).not.toBe(first.key);
    expect(other.imagesKey).not.toBe(first.imagesKey);
  });

  it('change with what no tensor tells of the architecture', async () => {
    const model = await pixart();
    const promptsFile = await writePrompts('c.safetensors', 1);
    const first = await rowOf({ ...model, promptsFile });
    await writeFile(model.architecture, JSON.stringify({ ...PIXART, positionScale: 1 }));
    expect((await rowOf({ ...model, promptsFile })).key).not.toBe(first.key);
  });

  it('change with the autoencoder and its scale', async () => {
    const vae = join(folder, 'vae');
    await mkdir(vae);
    const weights = join(vae, 'diffusion_pytorch_model.safetensors');
    await copyFile(join(FIXTURES, 'autoencoder-kl.safetensors'), weights);
    await writeFile(join(vae, 'config.json'), JSON.stringify(TINY_CONFIG.vae));
    const model = {
      ...(await pixart()),
      promptsFile: await writePrompts('d.safetensors', 1),
      vae,
    };
    const first = keysOf(await rowOf(model));
    const scaled = keysOf(await rowOf({ ...model, vaeScale: 0.5 }));
    await changeWeights(weights);
    const changed = keysOf(await rowOf(model));
    expect([scaled.key, changed.key]).toEqual([first.key, first.key]);
    expect(new Set([first, scaled, changed].map(({ imagesKey }) => imagesKey)).size).toBe(3);
  });
});
