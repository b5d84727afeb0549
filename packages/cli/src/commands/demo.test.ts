import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ditSpec } from '@harmonica/backbones';
import { emojiDitConfig } from '@harmonica/emoji-dit';
import { decodePng } from '@harmonica/pictures';
import {
  createProvenance,
  fixedIntervalSchedule,
  formatRouter,
  logitsFromSchedule,
} from '@harmonica/router';
import { createPlan } from '@harmonica/samplers';
import { temporaryFolder } from '@harmonica/testing';
import { hashFiles } from '@harmonica/weights';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import { runCommand } from '../../test/run-command.js';

describe('harmonica demo', () => {
  let folder: string;
  let model: string;
  let router: string;
  const demo = (argv: readonly string[]) =>
    runCommand([
      ...['demo', '--model', model, '--router', router, '--seeds', '0-2'],
      ...['--class', 'heart', 'flag', '--out', join(folder, 'out'), ...argv],
    ]);

  beforeAll(async () => {
    folder = await temporaryFolder();
    model = await writeTinyModel(join(folder, 'model'));
    router = join(folder, 'router.json');
    const spec = ditSpec((await emojiDitConfig(model)).dit);
    const schedule = fixedIntervalSchedule({ steps: 4, branches: spec.branches, interval: 2 });
    const text = formatRouter({
      version: 1,
      kind: 'router',
      steps: 4,
      branches: 6,
      predictor: 'hold',
      threshold: 0.5,
      logits: logitsFromSchedule({ schedule }),
      provenance: createProvenance({
        spec,
        modelSha256: await hashFiles([join(model, 'dit.safetensors')]),
        plan: createPlan({ steps: '4' }),
        guidance: { scale: 3, channels: 4 },
      }),
    });
    await writeFile(router, text);
  });

  it('compares cached and uncached images in one table and two pictures', async () => {
    const { status, stdout } = await demo([]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^3 images, ddim, 4 steps, guidance 3 on 4 channels\n/);
    const [uncached, cached] = stdout.split('\n').slice(4, 6);
    expect(uncached).toMatch(/^uncached .* 1\.00x +1\.00x +0\.0 % +- +- /);
    expect(cached).toMatch(
      /^router +\S+ s +\d+\.\d\dx +1\.\d\dx +25\.0 % +\d+\.\d\d dB +[01]\.\d{4} /,
    );

    const picture = decodePng(await readFile(join(folder, 'out', 'demo.png')));
    const heatMap = decodePng(await readFile(join(folder, 'out', 'router.png')));
    expect(picture.width).toBeGreaterThan(2 * 132);
    expect(picture.height).toBeGreaterThan(132);
    expect(heatMap.width).toBeGreaterThan(99);
  });

  it('says what does not fit', async () => {
    const other = (await readFile(router, 'utf8')).replace(/"sha256": "./, '"sha256": "f');
    const foreign = join(folder, 'foreign.json');
    await writeFile(foreign, other.replace(/"sha256": "f./, '"sha256": "00'));
    const { status, stderr } = await demo(['--router', foreign, '--backend', 'cpu']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/The model that the router was made for, by the SHA-256/);
  });

  it('stops within a step', async () => {
    const controller = new AbortController();
    const stopped = runCommand(
      ['demo', '--model', model, '--router', router, '--class', 'heart', '--out', folder],
      { signal: controller.signal, columns: 80, onStderr: () => controller.abort() },
    );
    expect((await stopped).status).toBe(130);
  });
});
