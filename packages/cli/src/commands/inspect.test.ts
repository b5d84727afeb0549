import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ditSpec } from '@harmonica/backbones';
import { fingerprint, type RouterFile } from '@harmonica/core';
import { emojiDitConfig } from '@harmonica/emoji-dit';
import { decodePng } from '@harmonica/pictures';
import {
  createProvenance,
  fixedIntervalSchedule,
  formatRouter,
  formatSchedule,
  logitsFromSchedule,
} from '@harmonica/router';
import { createPlan } from '@harmonica/samplers';
import { temporaryFolder } from '@harmonica/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../test/run-command.js';

describe('harmonica inspect', () => {
  let router: string;
  let schedule: string;
  let folder: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    router = join(folder, 'mine.json');
    schedule = join(folder, 'schedule.json');
    const spec = ditSpec((await emojiDitConfig()).dit);
    const interval = fixedIntervalSchedule({
      steps: 6,
      branches: spec.branches,
      interval: { attention: 2, mlp: 3 },
    });
    const document: RouterFile = {
      version: 1,
      kind: 'router',
      steps: 6,
      branches: 24,
      predictor: ['hold', 'hold', 'linear', 'linear', 'linear', 'quadratic'],
      threshold: 0.25,
      logits: logitsFromSchedule({ schedule: interval, computed: 2, predicted: -2 }),
      provenance: createProvenance({
        spec,
        modelSha256: fingerprint('weights'),
        plan: createPlan({ steps: '6' }),
        guidance: { scale: 3, channels: 4 },
        training: { beta: 0.5, config: { seed: 7 } },
      }),
    };
    await writeFile(router, formatRouter(document));
    await writeFile(schedule, formatSchedule(interval));
  });

  it('prints what a router saves, where, and where it comes from', async () => {
    const { status, stdout } = await runCommand(['inspect', router]);
    expect(status).toBe(0);
    const lines = Object.fromEntries(
      stdout.split('\n').map((line) => line.split(/ {2,}/, 2) as [string, string]),
    );
    expect(lines).toMatchObject({
      router: 'mine',
      'steps x branches': '6 x 24',
      predictor: 'per step: hold x 2, linear x 3, quadratic x 1',
      threshold: '0.25',
      CUR: '41.7 %',
      'CUR of attention': '33.3 %',
      'CUR of mlp': '50.0 %',
      'computed per step': '24 12 12 12 0 24',
      guidance: '3 on 4 channels',
      'training beta': '0.5',
      'training config': '{"seed":7}',
    });
    expect(stdout).toMatch(/Attention {3,}MLP/);
    expect(stdout).not.toContain('\u001b');
  });

  it('draws in colours on a terminal', async () => {
    const { stdout } = await runCommand(['inspect', router], { columns: 100 });
    expect(stdout).toContain('\u001b[48;2;');
  });

  it('writes the heat map as PNG and SVG', async () => {
    const [png, svg] = [join(folder, 'pictures', 'a.png'), join(folder, 'pictures', 'a.svg')];
    const { status } = await runCommand(['inspect', router, '--png', png, '--svg', svg]);
    expect(status).toBe(0);
    const { width, height, data } = decodePng(await readFile(png));
    expect(width).toBeGreaterThan(height);
    expect(new Set(data).size).toBeGreaterThan(10);
    expect(await readFile(svg, 'utf8')).toMatch(/^<svg .*width="\d+".*<\/svg>\n$/s);
  });

  it('needs to know the model of a schedule without provenance', async () => {
    const unknown = await runCommand(['inspect', schedule]);
    expect(unknown.stderr).toMatch(/--model is undefined.*say which one it is/);
    const known = await runCommand(['inspect', schedule, '--model', 'emoji-dit']);
    expect(known.stdout).toMatch(/^schedule {2,}schedule\n/);
    expect(known.stdout).toMatch(/made for {2,}nothing in particular\n/);
    const wrong = await runCommand(['inspect', schedule, '--model', 'DiT-XL/2']);
    expect(wrong.stderr).toMatch(/number of branches is 24; expected 56/);
  });

  it('names every fault of a damaged file', async () => {
    const damaged = join(folder, 'damaged.json');
    await writeFile(damaged, (await readFile(router, 'utf8')).replace('"steps": 6', '"steps": 5'));
    const { status, stderr } = await runCommand(['inspect', damaged]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/damaged\.json is not valid: .*expected 5 rows, got 6/);
  });
});
