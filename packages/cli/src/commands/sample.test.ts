import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCacheSchedule, parseSamplerPlan, planFingerprint } from '@harmonica/core';
import { decodePng } from '@harmonica/pictures';
import type { RunManifest } from '@harmonica/pipeline';
import { createDdimPlan } from '@harmonica/samplers';
import { temporaryFolder } from '@harmonica/testing';
import { decodeSafetensors } from '@harmonica/weights';
import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { TINY_CONFIG, writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import { runCommand } from '../../test/run-command.js';

describe('harmonica sample', () => {
  let folder: string;
  let model: string;
  const manifestIn = async (out: string): Promise<RunManifest> =>
    JSON.parse(await readFile(join(out, 'run.json'), 'utf8'));

  beforeAll(async () => {
    folder = await temporaryFolder();
    model = await writeTinyModel(join(folder, 'model'));
  });

  it('writes an image for each seed, a grid and a record of the run', async () => {
    const out = join(folder, 'cached');
    const { status, stdout } = await runCommand([
      ...['sample', '--model', model, '--steps', '4', '--seeds', '8-10', '--batch', '2'],
      ...['--class', 'heart', 'flag', '--policy', 'interval:2', '--predictor', 'linear'],
      ...['--guidance', '2', '--guided-channels', '3', '--out', out],
    ]);
    expect(status).toBe(0);
    expect(stdout).toContain('3 images, ddim, 4 steps, interval:2,predictor=linear: CUR 25.0 %');

    const files = ['08-heart.png', '09-flag.png', '10-heart.png'];
    expect((await readdir(out)).sort()).toEqual([...files, 'grid.png', 'run.json']);
    for (const file of files) {
      const { width, height } = decodePng(await readFile(join(out, file)));
      expect([width, height], file).toEqual([64, 64]);
    }
    const grid = decodePng(await readFile(join(out, 'grid.png')));
    expect([grid.width, grid.height]).toEqual([132, 132]);

    const manifest = await manifestIn(out);
    const plan = createDdimPlan({ steps: 4 });
    expect(parseSamplerPlan(JSON.stringify(manifest.plan)).steps).toEqual(plan.steps);
    expect(manifest).toMatchObject({
      planSha256: planFingerprint(plan),
      guidance: { scale: 2, channels: 3 },
      batchSize: 2,
      images: [
        { seed: 8, label: 7, class: 'heart', file: files[0] },
        { seed: 9, label: 4, class: 'flag', file: files[1] },
        { seed: 10, label: 7, class: 'heart', file: files[2] },
      ],
      cache: { name: 'interval:2,predictor=linear', cacheUtilization: 0.25 },
    });
    const { cache } = manifest;
    const schedule = parseCacheSchedule(
      JSON.stringify(cache && 'schedule' in cache && cache.schedule),
    );
    expect(schedule.table).toEqual(['111111', '111111', '111111', '000000']);
    expect(manifest.timing.samplingMs).toBeGreaterThan(0);
  });

  it('writes nothing outside of its folder, whatever a class is called', async () => {
    const hostile = await writeTinyModel(join(folder, 'hostile'));
    const classes = TINY_CONFIG.classes.with(0, 'x/../../../ESCAPED');
    await writeFile(join(hostile, 'config.json'), JSON.stringify({ ...TINY_CONFIG, classes }));
    const out = join(folder, 'a/b/hostile');
    const { status, stderr } = await runCommand([
      ...['sample', '--model', hostile, '--steps', '1', '--guidance', '1', '--seeds', '0'],
      ...['--class', classes[0] as string, '--out', out],
    ]);
    expect(status, stderr).toBe(0);
    expect((await readdir(out)).sort()).toEqual([
      '0-x-..-..-..-ESCAPED.png',
      'grid.png',
      'run.json',
    ]);
    expect(await readdir(join(folder, 'a'), { recursive: true })).toHaveLength(5);
    expect((await manifestIn(out)).images[0]?.class).toBe(classes[0]);
  });

  it('gives the same image in any batch, and from a schedule that computes everything', async () => {
    const run = async (name: string, argv: readonly string[]) => {
      const out = join(folder, name);
      const common = ['sample', '--model', model, '--steps', '3', '--class', 'heart'];
      const { status } = await runCommand([...common, ...argv, '--out', out]);
      expect(status).toBe(0);
      return readFile(join(out, '5-heart.png'));
    };
    const alone = await run('alone', ['--seeds', '5']);
    expect((await run('among', ['--seeds', '3-5'])).equals(alone)).toBe(true);
    const tensors = memory().numTensors;
    const all = ['--seeds', '5', '--policy', 'fora:1'];
    expect((await run('all', all)).equals(alone)).toBe(true);
    expect(memory().numTensors).toBe(tensors);
  });

  it('records what a dynamic policy decided for each batch, as schedules', async () => {
    const out = join(folder, 'dynamic');
    const argv = ['sample', '--model', model, '--steps', '5', '--seeds', '0-2', '--batch', '2'];
    const { status, stdout } = await runCommand([
      ...[...argv, '--policy', 'first-block:0.9,predictor=taylor-1', '--out', out],
    ]);
    expect(status).toBe(0);
    expect(stdout).toContain('first-block:0.9,predictor=taylor-1: CUR');
    const { cache } = await manifestIn(out);
    if (!cache || !('batches' in cache)) throw new Error('expected a dynamic record');
    expect(cache.batches.map(({ images }) => images)).toEqual([2, 1]);
    const [first, second] = cache.batches.map(({ schedule }) => {
      expect(schedule).toMatchObject({ steps: 5, branches: 6, predictor: 'taylor-1' });
      return [...schedule.table.join('')].filter((decision) => decision === '0').length / 30;
    }) as [number, number];
    expect(first + second).toBeGreaterThan(0);
    expect(cache.cacheUtilization).toBeCloseTo((2 * first + second) / 3, 12);
    const file = join(folder, 'decided.json');
    await writeFile(file, JSON.stringify(cache.batches[0]?.schedule));
    const again = join(folder, 'again');
    const replay = ['--seeds', '0-1', '--policy', file, '--out', again];
    expect((await runCommand([...argv, ...replay])).status).toBe(0);
    for (const { file: png } of (await manifestIn(again)).images) {
      expect(await readFile(join(again, png))).toEqual(await readFile(join(out, png)));
    }
  });

  it('refuses an unknown class, a folder that cannot be written to, and a router with a policy', async () => {
    const argv = ['sample', '--model', model, '--steps', '2', '--out', join(folder, 'refused')];
    const unknown = await runCommand([...argv, '--class', 'fruit']);
    expect(unknown.stderr).toMatch(/class is "fruit"; .* Similar: food-fruit/);

    const file = join(folder, 'file');
    await writeFile(file, '');
    const started = performance.now();
    const unwritable = await runCommand([...argv, '--out', join(file, 'below')]);
    expect(unwritable.status).toBe(1);
    expect(unwritable.stderr).toMatch(/^error: .*below: no files can be written there/);
    expect(performance.now() - started).toBeLessThan(1000);
    expect(await readdir(join(folder, 'refused'))).toEqual([]);
  });

  it('refuses damaged weights and NaN', async () => {
    const damaged = await writeTinyModel(join(folder, 'damaged'));
    const path = join(damaged, 'dit.safetensors');
    const bytes = await readFile(path);
    const argv = ['sample', '--model', damaged, '--out', join(folder, 'never')];
    await writeFile(path, bytes.subarray(0, 5000));
    expect((await runCommand(argv)).stderr).toMatch(/error: .*dit\.safetensors/);
    bytes.fill(0xff, bytes.length - 4000);
    await writeFile(path, bytes);
    const { status, stderr } = await runCommand(argv);
    expect(status).toBe(1);
    expect(stderr).toMatch(/is not finite \(NaN or infinity\)/);
  });

  it('samples latents of a checkpoint with official names, with or without an autoencoder', async () => {
    const dit = join(folder, 'small.json');
    const architecture = { depth: 3, hiddenSize: 48, heads: 3, patchSize: 2 };
    await writeFile(dit, JSON.stringify(architecture));
    const checkpoint = join(model, 'dit.safetensors');
    const out = join(folder, 'official');
    const argv = ['sample', '--model', checkpoint, '--dit', dit, '--steps', '2', '--out', out];
    const { status, stderr } = await runCommand([...argv, '--seeds', '0-2', '--class', '7', '9']);
    expect(stderr).toMatch(/^engine: /);
    expect(status).toBe(0);
    const { tensors } = decodeSafetensors(await readFile(join(out, 'latents.safetensors')));
    expect(tensors.get('latents')?.shape).toEqual([3, 8, 8, 4]);
    const manifest = await manifestIn(out);
    expect(manifest.model.name).toBe('small');
    expect(manifest.guidance).toEqual({ scale: 1.5, channels: 3 });
    expect(manifest.images.map(({ label }) => label)).toEqual([7, 9, 7]);

    const vae = join(folder, 'vae');
    await rm(out, { recursive: true });
    await writeDiffusersVae(model, vae);
    const decoded = await runCommand([...argv, '--seeds', '4', '--class', '1', '--vae', vae]);
    expect(decoded.status).toBe(0);
    const { width } = decodePng(await readFile(join(out, '4-class-1.png')));
    expect(width).toBe(64);
    const unknown = await runCommand([...argv, '--class', '10']);
    expect(unknown.stderr).toMatch(/class is "10"; expected a class number in \[0, 9\]/);
  });

  it('samples from emoji-dit', async () => {
    const out = join(folder, 'emoji');
    const argv = ['sample', '--steps', '2', '--seeds', '3', '--class', 'food-fruit', '--out', out];
    const { status } = await runCommand(argv);
    expect(status).toBe(0);
    const { width, height } = decodePng(await readFile(join(out, '3-food-fruit.png')));
    expect([width, height]).toEqual([128, 128]);
    expect(await manifestIn(out)).toMatchObject({
      model: { name: 'emoji-dit' },
      guidance: { scale: 3, channels: 4 },
      cache: null,
    });
  });
});

async function writeDiffusersVae(model: string, folder: string): Promise<void> {
  await mkdir(folder);
  await copyFile(
    join(model, 'vae.safetensors'),
    join(folder, 'diffusion_pytorch_model.safetensors'),
  );
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({ ...TINY_CONFIG.vae, scaling_factor: 0.8 }),
  );
}
