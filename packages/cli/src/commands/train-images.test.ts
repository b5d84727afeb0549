import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRng, parseRouterFile } from '@harmonica/core';
import { encodePng } from '@harmonica/pictures';
import { temporaryFolder } from '@harmonica/testing';
import { writeSafetensors } from '@harmonica/weights';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import { runCommand } from '../../test/run-command.js';

describe('harmonica train --trainer l2c', () => {
  let folder: string;
  let model: string;
  const train = (name: string, argv: readonly string[], options = {}) =>
    runCommand(
      [
        ...['train', '--model', model, '--backend', 'wasm', '--trainer', 'l2c', '--steps', '4'],
        ...['--iterations', '4', '--batch-size', '2', '--out', join(folder, name), ...argv],
      ],
      options,
    );
  const read = async (name: string) =>
    parseRouterFile(await readFile(join(folder, name), 'utf8'), name);

  beforeAll(async () => {
    folder = await temporaryFolder();
    model = await writeTinyModel(join(folder, 'model'));
    const rng = createRng({ seed: 1 });
    for (const [label, side] of [
      ['flag', 64],
      ['3', 150],
    ] as const) {
      await mkdir(join(folder, 'images', label), { recursive: true });
      const data = Uint8Array.from({ length: side * side * 3 }, () => rng.integer(256));
      const png = encodePng({ data, width: side, height: side, channels: 3 });
      await writeFile(join(folder, 'images', label, 'a.png'), png);
    }
  });

  it('learns from a folder of images, and goes on after a stop to the very same router', async () => {
    const images = ['--images', join(folder, 'images')];
    const whole = await train('whole.json', images);
    expect(whole.stderr).toMatch(/update 4\/4/);
    expect(whole.status).toBe(0);
    const router = await read('whole.json');
    expect(router).toMatchObject({ predictor: 'hold', threshold: 0.1 });
    expect([router.logits[0], router.logits[2]]).toEqual([Array(6).fill(5), Array(6).fill(5)]);
    expect(router.provenance.training).toMatchObject({
      trainer: 'l2c',
      config: { trainer: 'l2c', proxy: 'uniform', learningRate: 1e-3 },
      images: 8,
      imageSet: { count: 2 },
    });

    const controller = new AbortController();
    const stopped = await train('stopped.json', [...images, '--checkpoint-every', '0'], {
      signal: controller.signal,
      columns: 200,
      onStderr: (text: string) => text.includes('update 2/4') && controller.abort(),
    });
    expect(stopped.status).toBe(130);
    const resumed = await train('stopped.json', [...images, '--resume']);
    expect(resumed.stderr).not.toMatch(/expected/);
    expect(await read('stopped.json')).toEqual(router);
    const other = await train('stopped.json', [
      ...['--resume', '--overwrite', '--iterations', '6', '--images', join(folder, 'images')],
      ...['--class-labels', await labelsFile({ 'flag/a.png': 'heart', '3/a.png': 3 })],
    ]);
    expect(other.stderr).toMatch(/trained for something that.*Resume with what/);
  });

  it('learns from latents', async () => {
    const path = join(folder, 'latents.safetensors');
    const values = createRng({ seed: 2 }).fillNormal(new Float32Array(3 * 256));
    const tensors = (labels: readonly number[]) =>
      new Map([
        ['latents', { shape: [3, 8, 8, 4], data: values }],
        ['labels', { shape: [3], data: Float32Array.from(labels) }],
      ]);
    await writeSafetensors(path, { tensors: tensors([0, 9, 4]) });
    const proxy = ['--proxy', 'cumulative'];
    const { status } = await train('latents.json', ['--latents', path, ...proxy]);
    expect(status).toBe(0);
    const { training } = (await read('latents.json')).provenance;
    expect(training).toMatchObject({ imageSet: { count: 3 }, config: { proxy: 'cumulative' } });

    await writeSafetensors(path, { tensors: tensors([0, 10, 4]) });
    const wrong = await train('wrong.json', ['--latents', path]);
    expect(wrong.stderr).toMatch(/\(labels\): has 10; expected integers in \[0, 9\]/);
  });

  it('refuses what cannot work before it starts', async () => {
    const images = ['--images', join(folder, 'images')];
    expect((await train('no.json', [])).stderr).toMatch(/--images is undefined; expected a folder/);
    const odd = await train('no.json', [...images, '--steps', '5']);
    expect(odd.stderr).toMatch(/plan\.steps is 5; expected an even number/);
    const before = await train('no.json', ['--method', 'l2c']);
    expect(before.stderr).toMatch(/--method is "l2c"; expected a solver of SiT.*--trainer l2c/);
    const sdt = await train('no.json', [...images, '--trainer', 'sdt']);
    expect(sdt.stderr).toMatch(/expected nothing, because only --trainer l2c takes images/);
    const solver = await train('no.json', [...images, '--method', 'heun']);
    expect(solver.stderr).toMatch(/--method is "ddim"; expected a sampler that has it/);
    const unknown = await train('no.json', [...images, '--method', 'l2']);
    expect(unknown.stderr).toMatch(/Expected one of euler, heun/);
    const empty = await train('no.json', ['--images', join(folder, 'images', 'flag')]);
    expect(empty.stderr).toMatch(/expected a folder with PNG images in one subfolder for each/);
    await writeFile(join(folder, 'broken.png'), 'no picture');
    const labels = await labelsFile({ 'broken.png': 1 });
    const broken = await train('no.json', ['--images', folder, '--class-labels', labels]);
    expect(broken.stderr).toMatch(/broken\.png: is not a PNG image/);
    const stranger = await labelsFile({ 'flag/a.png': 'flug' });
    const named = await train('no.json', [...images, '--class-labels', stranger]);
    expect(named.stderr).toMatch(/class is "flug".*Similar: flag/);
    const beyond = await train('no.json', [
      ...[...images, '--class-labels', await labelsFile({ 'flag/a.png': 10 })],
    ]);
    expect(beyond.stderr).toMatch(/label of an image is 10; expected a class, or its number/);
  });

  async function labelsFile(labels: Readonly<Record<string, string | number>>): Promise<string> {
    const path = join(folder, 'labels.json');
    await writeFile(path, JSON.stringify(labels));
    return path;
  }
});
