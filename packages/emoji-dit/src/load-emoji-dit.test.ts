import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeSafetensors, hashFiles, writeSafetensors } from '@harmonica/weights';
import '@tensorflow/tfjs-backend-cpu';
import { div, memory, randomNormal, setBackend, type Tensor4D } from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TINY_CLASSES, writeTinyModel } from '../test/tiny-model.js';
import { type EmojiDitProgress, loadEmojiDit } from './load-emoji-dit.js';

describe('loadEmojiDit', () => {
  let folder: string;
  beforeAll(async () => {
    await setBackend('cpu');
  });
  beforeEach(async () => {
    folder = await writeTinyModel();
  });

  it('loads the DiT, then the autoencoder, and reports both', async () => {
    const progress: EmojiDitProgress[] = [];
    const before = memory().numTensors;
    const model = await loadEmojiDit({ folder, onProgress: (event) => progress.push(event) });
    expect(model.classes).toEqual(TINY_CLASSES);
    expect(model.labelOf('food-fruit')).toBe(5);
    expect(() => model.labelOf('fruit')).toThrow('Similar: food-fruit');
    expect(model.backbone.spec.branches).toHaveLength(6);
    const parts = progress.map(({ part }) => part);
    expect(parts.lastIndexOf('dit')).toBe(parts.indexOf('autoencoder') - 1);
    expect(progress.at(-1)).toMatchObject({ loaded: progress.at(-1)?.total });
    model.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('decodes latents divided by the scaling factor', async () => {
    const model = await loadEmojiDit({ folder });
    const latent: Tensor4D = randomNormal([2, 1, 2, 4], 0, 1, 'float32', 3);
    const image = model.decode(latent);
    const expected = model.autoencoder.decode(div(latent, 0.8));
    expect(image.shape).toEqual([2, 8, 16, 3]);
    expect(await image.data()).toEqual(await expected.data());
    model.dispose();
  });

  it('identifies weights by the hash of their files, split or not', async () => {
    const whole = await loadEmojiDit({ folder });
    const file = join(folder, 'dit.safetensors');
    expect(whole.sha256).toBe(await hashFiles([file]));
    expect(whole.autoencoderSha256).toBe(await hashFiles([join(folder, 'vae.safetensors')]));
    const tensors = [...decodeSafetensors(await readFile(file)).tensors];
    const parts = [tensors.slice(0, 9), tensors.slice(9)];
    const paths = parts.map((_, i) => join(folder, `dit-${i + 1}.safetensors`));
    for (const [i, part] of parts.entries()) {
      await writeSafetensors(paths[i] as string, { tensors: new Map(part) });
    }
    await rm(file);
    const split = await loadEmojiDit({ folder });
    expect(split.sha256).toBe(await hashFiles(paths));
    expect(split.backbone.spec).toEqual(whole.backbone.spec);
    whole.dispose();
    split.dispose();
  });

  it('refuses damaged, missing and foreign weights and leaves no tensor behind', async () => {
    const before = memory().numTensors;
    const vae = join(folder, 'vae.safetensors');
    const bytes = await readFile(vae);
    await writeFile(vae, bytes.subarray(0, bytes.length - 100));
    await expect(loadEmojiDit({ folder })).rejects.toMatchObject({ code: 'checkpoint', path: vae });
    await copyFile(join(folder, 'dit.safetensors'), vae);
    await expect(loadEmojiDit({ folder })).rejects.toThrow(/vae\.safetensors: none of its/);
    await rm(join(folder, 'dit.safetensors'));
    await expect(loadEmojiDit({ folder })).rejects.toMatchObject({ code: 'checkpoint' });
    await expect(loadEmojiDit({ folder: '/nowhere' })).rejects.toMatchObject({ code: 'file' });
    expect(memory().numTensors).toBe(before);
  });

  it('stops when its caller says so', async () => {
    const controller = new AbortController();
    const loading = loadEmojiDit({
      folder,
      signal: controller.signal,
      onProgress: ({ part }) => part === 'autoencoder' && controller.abort(),
    });
    await expect(loading).rejects.toMatchObject({ code: 'aborted' });
  });

  it('loads the model that comes with the package', async () => {
    const model = await loadEmojiDit();
    expect(model.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(model.backbone.spec).toMatchObject({
      name: 'emoji-dit',
      latent: { height: 16, width: 16, channels: 4 },
      outputChannels: 8,
    });
    expect(model.backbone.spec.branches).toHaveLength(24);
    model.dispose();
  });
});
