import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  AbortedError,
  CheckpointError,
  DisposedError,
  FileError,
  InvalidArgumentError,
  type WeightSource,
} from '@harmonica/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectedTensors, expectTensors, fixture } from './__fixtures__/fixtures.js';
import { COMMIT, type HubServer, REPOSITORY, startHubServer } from './__fixtures__/hub-server.js';
import { DownloadError } from './hub/hub-requests.js';
import { openModel } from './open-model.js';

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const content = async (name: string) => new Uint8Array(await readFile(fixture(name)));
const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
const shardIndex = 'model.safetensors.index.json';

let folder: string;
let files: Record<string, Uint8Array>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harmonica-model-'));
  files = {
    'model_index.json': json({
      _class_name: 'DiTPipeline',
      id2label: { 0: 'tench' },
      safety_checker: [null, null],
      scheduler: ['diffusers', 'DDIMScheduler'],
      text_encoder: ['transformers', 'T5EncoderModel'],
      tokenizer: ['transformers', 'T5Tokenizer'],
      transformer: ['diffusers', 'DiTTransformer2DModel'],
      vae: ['diffusers', 'AutoencoderKL'],
    }),
    'README.md': json('about'),
    'scheduler/scheduler_config.json': json({ num_train_timesteps: 1000 }),
    'text_encoder/config.json': json({ d_model: 8 }),
    'text_encoder/pytorch_model.bin.index.json': json({
      weight_map: Object.fromEntries(
        Object.keys(expectedTensors('mixed.pt')).map((name) => [name, 'pytorch_model-1.bin']),
      ),
    }),
    'text_encoder/pytorch_model-1.bin': await content('mixed.pt'),
    'transformer/config.json': json({ num_layers: 2 }),
    [`transformer/${shardIndex}`]: await content(`sharded/${shardIndex}`),
    [`transformer/${shards[0]}`]: await content(`sharded/${shards[0]}`),
    [`transformer/${shards[1]}`]: await content(`sharded/${shards[1]}`),
    'vae/config.json': json({ scaling_factor: 0.5 }),
    'vae/diffusion_pytorch_model.bin': await content('no-checksums.pt'),
    'vae/diffusion_pytorch_model.fp16.safetensors': await content('f16.safetensors'),
    'vae/diffusion_pytorch_model.safetensors': await content('f32.safetensors'),
  };
});
afterEach(() => rm(folder, { recursive: true }));

/** Writes the files into the folder. */
async function writeFiles(): Promise<string> {
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
  return folder;
}

describe('openModel of a folder', () => {
  it('knows its components and their configurations', async () => {
    const model = await openModel(await writeFiles());
    expect(model.name).toBe(folder);
    expect(model.commit).toBeUndefined();
    expect(model.index).toMatchObject({ _class_name: 'DiTPipeline', id2label: { 0: 'tench' } });
    expect(model.components).toEqual(['scheduler', 'text_encoder', 'transformer', 'vae']);
    const configs = model.components.map((name) => model.component(name).config);
    expect(configs).toEqual([
      { num_train_timesteps: 1000 },
      { d_model: 8 },
      { num_layers: 2 },
      { scaling_factor: 0.5 },
    ]);
  });

  it('reads weights of one file, of shards, and of shards of PyTorch', async () => {
    const model = await openModel(await writeFiles());
    for (const [component, name] of [
      ['vae', 'f32.safetensors'],
      ['transformer', `sharded/${shardIndex}`],
      ['text_encoder', 'mixed.pt'],
    ] as const) {
      const source = await model.component(component).open();
      await expectTensors({ source, expected: expectedTensors(name) });
    }
  });

  it('names the files of the weights', async () => {
    const model = await openModel(await writeFiles());
    expect(await model.component('transformer').files()).toEqual(
      [shardIndex, ...shards].map((file) => join(folder, 'transformer', file)),
    );
    const vae = join(folder, 'vae', 'diffusion_pytorch_model.safetensors');
    expect(await model.component('vae').files()).toEqual([vae]);
  });

  it('takes a variant', async () => {
    const model = await openModel(await writeFiles(), { variant: 'fp16' });
    const source = await model.component('vae').open();
    await expectTensors({ source, expected: expectedTensors('f16.safetensors') });
    const without = await model.component('transformer').open();
    await expectTensors({ source: without, expected: expectedTensors(`sharded/${shardIndex}`) });
  });

  it('takes an index of a variant, by its name of today and by the one before', async () => {
    const index = files[`transformer/${shardIndex}`] as Uint8Array;
    delete files[`transformer/${shardIndex}`];
    for (const name of ['model.safetensors.index.fp16.json', 'model.safetensors.fp16.index.json']) {
      files[`transformer/${name}`] = index;
      const model = await openModel(await writeFiles(), { variant: 'fp16' });
      const source = await model.component('transformer').open();
      await expectTensors({ source, expected: expectedTensors(`sharded/${shardIndex}`) });
      await rm(join(folder, 'transformer', name));
      delete files[`transformer/${name}`];
    }
  });

  it('refuses a variant that no component has', async () => {
    const model = await openModel(await writeFiles(), { variant: 'ema' });
    const missing = model.component('transformer').open();
    await expect(missing).rejects.toThrow(/variant "ema": config\.json, model-00001.*another/);
  });

  it('follows links to folders and files, and not for ever', async () => {
    await writeFiles();
    const linked = await mkdtemp(join(tmpdir(), 'harmonica-linked-'));
    for (const name of ['model_index.json', 'transformer', 'vae']) {
      await symlink(join(folder, name), join(linked, name));
    }
    await symlink(linked, join(linked, 'again'));
    const model = await openModel(linked);
    expect(model.components).toEqual(['transformer', 'vae']);
    const source = await model.component('transformer').open();
    await expectTensors({ source, expected: expectedTensors(`sharded/${shardIndex}`) });
    expect(model.component('vae').config).toEqual({ scaling_factor: 0.5 });
    await rm(linked, { recursive: true });
  });

  it('closes the weights after building, whether that succeeds or not', async () => {
    const vae = (await openModel(await writeFiles())).component('vae');
    const opened: WeightSource[] = [];
    const scale = await vae.load(async ({ config, source }) => {
      opened.push(source);
      return { ...config, scale: await source.read('scale') };
    });
    expect(scale).toEqual({ scaling_factor: 0.5, scale: Float32Array.of(3) });
    const failure = new RangeError('no');
    const failed = vae.load(async ({ source }) => {
      opened.push(source);
      throw failure;
    });
    await expect(failed).rejects.toBe(failure);
    expect(opened).toHaveLength(2);
    for (const source of opened) await expect(source.read('scale')).rejects.toThrow(DisposedError);
  });

  it('may be that of one component', async () => {
    await writeFiles();
    const model = await openModel(join(folder, 'vae'));
    expect(model).toMatchObject({ index: {}, components: ['model'] });
    expect(model.component().config).toEqual({ scaling_factor: 0.5 });
    const source = await model.component().open();
    await expectTensors({ source, expected: expectedTensors('f32.safetensors') });
  });

  it('says which components there are', async () => {
    const model = await openModel(await writeFiles());
    expect(() => model.component('unet')).toThrow(InvalidArgumentError);
    expect(() => model.component('vea')).toThrow(/one of scheduler, .*Do you mean vae\?/);
    expect(() => model.component()).toThrow(/one of scheduler/);
  });

  it('says when weights or shards are not there', async () => {
    delete files[`transformer/${shards[1]}`];
    const model = await openModel(await writeFiles());
    const transformer = model.component('transformer').open();
    await expect(transformer).rejects.toThrow(CheckpointError);
    await expect(transformer).rejects.toThrow(/lists model-00002-of-00002\.safetensors, which/);
    const scheduler = model.component('scheduler').open();
    await expect(scheduler).rejects.toThrow(/holds the weights: scheduler_config\.json/);
  });

  it('says when model_index.json is malformed', async () => {
    files['model_index.json'] = new TextEncoder().encode('[1');
    const loaded = openModel(await writeFiles());
    await expect(loaded).rejects.toThrow(CheckpointError);
    await expect(loaded).rejects.toThrow('model_index.json');
  });

  it('says when a configuration is malformed to those who ask for the component, and to nobody else', async () => {
    files['vae/config.json'] = new TextEncoder().encode('[1');
    const model = await openModel(await writeFiles());
    expect(model.components).toContain('vae');
    expect(() => model.component('vae')).toThrow(CheckpointError);
    expect(() => model.component('vae')).toThrow('vae/config.json');
    expect(model.component('transformer').config).not.toEqual({});
  });

  it('reads a scheduler as diffusers saves it, with numbers that JSON does not have', async () => {
    files['scheduler/scheduler_config.json'] = new TextEncoder().encode(
      '{"lambda_min_clipped": -Infinity}',
    );
    const { config } = (await openModel(await writeFiles())).component('scheduler');
    expect(config).toEqual({ lambda_min_clipped: -Infinity });
  });
});

describe('openModel of a file', () => {
  it.each(['f16.safetensors', 'mixed.pt', `sharded/${shardIndex}`])('%s', async (name) => {
    const model = await openModel(fixture(name));
    expect(model).toMatchObject({ name: fixture(name), index: {}, components: ['model'] });
    expect(model.component().config).toEqual({});
    const source = await model.component('model').open();
    await expectTensors({ source, expected: expectedTensors(name) });
  });

  it('takes a part of it', async () => {
    const model = await openModel(fixture('router-checkpoint.pt'), { select: 'routers' });
    const names = await model.component().load(async ({ source }) => source.names);
    expect(names[0]).toBe('0.prob');
  });

  it.each([
    'none.safetensors',
    'runs/none.pt',
    '/none/at/all',
    './none',
    'none',
    'https://huggingface.co/facebook/DiT',
  ])('says that %s is not there', async (path) => {
    await expect(openModel(path)).rejects.toThrow(FileError);
    await expect(openModel(path)).rejects.toThrow(/no such file or folder.*facebook\/DiT-XL-2-256/);
  });

  it('can be stopped before it begins', async () => {
    const signal = AbortSignal.abort();
    await expect(openModel(fixture('mixed.pt'), { signal })).rejects.toThrow(AbortedError);
  });
});

describe('openModel of a hub', () => {
  let hub: HubServer;
  beforeEach(async () => {
    files['weights.pt'] = await content('mixed.pt');
    const large = Object.keys(files).filter((name) => /\.(safetensors|bin|pt)$/.test(name));
    hub = await startHubServer({ files, large });
  });
  afterEach(() => hub.close());

  const load = (name = REPOSITORY, options = {}) =>
    openModel(name, { endpoint: hub.endpoint, cacheFolder: folder, retries: 0, ...options });
  const downloaded = () =>
    hub.requests
      .filter(({ path }) => path.includes('/resolve/'))
      .map(({ path }) => path.slice(`/${REPOSITORY}/resolve/${COMMIT}/`.length));

  it('downloads configurations at once, and weights when they are opened', async () => {
    const model = await load();
    expect(model).toMatchObject({ name: `${hub.endpoint}/${REPOSITORY}`, commit: COMMIT });
    expect(model.components).toEqual(['scheduler', 'text_encoder', 'transformer', 'vae']);
    expect(model.component('transformer').config).toEqual({ num_layers: 2 });
    expect(downloaded()).toEqual([
      'model_index.json',
      'scheduler/scheduler_config.json',
      'text_encoder/config.json',
      'transformer/config.json',
      'vae/config.json',
    ]);
    hub.requests.length = 0;
    const source = await model.component('transformer').open();
    const expected = expectedTensors(`sharded/${shardIndex}`);
    await expectTensors({ source, expected });
    expect(downloaded()).toEqual([shardIndex, ...shards].map((file) => `transformer/${file}`));
  });

  it('gives the same offline as online', async () => {
    const online = await (await load()).component('vae').files();
    hub.requests.length = 0;
    const model = await load(REPOSITORY, { offline: true });
    expect(model.components).toEqual(['scheduler', 'text_encoder', 'transformer', 'vae']);
    expect(await model.component('vae').files()).toEqual(online);
    await expect(model.component('transformer').open()).rejects.toThrow(/offline/);
    expect(hub.requests).toEqual([]);
  });

  it('may be one file of many', async () => {
    const model = await load(`${REPOSITORY}/weights.pt`);
    expect(model).toMatchObject({ components: ['model'], commit: COMMIT });
    const source = await model.component().open();
    await expectTensors({ source, expected: expectedTensors('mixed.pt') });
    expect(downloaded()).toEqual(['weights.pt']);
    const missing = load(`${REPOSITORY}/wieghts.pt`);
    await expect(missing).rejects.toThrow(/no such file\. The nearest of its files: weights\.pt/);
  });

  it('says what the hub does not have', async () => {
    await expect(load('facebook/none')).rejects.toThrow(DownloadError);
    await expect(load('facebook/none')).rejects.toThrow(/facebook\/none.*404.*Check the name/);
    await expect(load(REPOSITORY, { revision: 'v2' })).rejects.toThrow(/404/);
  });
});
