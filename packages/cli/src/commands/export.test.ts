import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint, parseRouterFile, type RouterFile } from '@harmonica/core';
import { formatRouter, formatSchedule, toSchedule } from '@harmonica/router';
import { temporaryFolder } from '@harmonica/testing';
import { openPyTorch } from '@harmonica/weights';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import { runCommand } from '../../test/run-command.js';

const sha256 = fingerprint('weights');
const router: RouterFile = {
  version: 1,
  kind: 'router',
  steps: 4,
  branches: 6,
  predictor: 'hold',
  threshold: 0.25,
  logits: [
    [5, 5, 5, 5, 5, 5],
    [1.234567, -3, 0.1, -0.000001, -7.654321, 2],
    [5, 5, 5, 5, 5, 5],
    [-1, 1, -2, 2, -3, 3],
  ],
  provenance: {
    model: { name: 'emoji-dit', sha256 },
    sampler: { name: 'ddim', steps: 4, planSha256: sha256 },
    guidance: { scale: 1.5, channels: 3 },
    latent: { height: 8, width: 8, channels: 4 },
  },
};

describe('harmonica export', () => {
  let folder: string;
  let model: string;
  const inFolder = (name: string) => join(folder, name);
  const write = async (name: string, text: string) => {
    await writeFile(inFolder(name), text);
    return inFolder(name);
  };
  beforeAll(async () => {
    folder = await temporaryFolder();
    model = await writeTinyModel(inFolder('model'));
  });

  it.each(['harmonica', 'l2c'])('writes what import --kind %s turns back', async (kind) => {
    const file = await write(`${kind}.json`, formatRouter(router));
    const out = join(folder, 'new', `${kind}.pt`);
    const exported = await runCommand(['export', file, '--kind', kind, '--out', out]);
    expect(exported).toMatchObject({ status: 0, stderr: '' });
    expect(exported.stdout).toBe(
      `${out}: 4 steps, 6 branches; the official code samples with --thres 0.25\n`,
    );
    const source = await openPyTorch(out);
    expect(source.names).toEqual(Array.from({ length: 4 }, (_, i) => `routers.${i}.prob`));
    await source.close();

    const again = inFolder(`${kind}-again.json`);
    const argv = ['import', out, '--kind', kind, '--model', model, '--model-sha', sha256];
    const imported = await runCommand([...argv, '--threshold', '0.25', '--out', again]);
    expect(imported).toMatchObject({ status: 0 });
    const { logits, threshold, predictor } = parseRouterFile(await readFile(again, 'utf8'));
    expect({ logits, threshold, predictor }).toEqual({
      logits: router.logits,
      threshold: 0.25,
      predictor: 'hold',
    });
  });

  it.each<[string, () => string, RegExp]>([
    ['a schedule', () => formatSchedule(toSchedule(router)), /is "a schedule"; expected a router/],
    [
      'another predictor',
      () => formatRouter({ ...router, predictor: 'cubic' }),
      /router\.predictor is "cubic"/,
    ],
  ])('refuses %s and writes nothing', async (name, text, message) => {
    const file = await write(`${name}.json`, text());
    const out = inFolder('refused.pt');
    const { status, stderr } = await runCommand(['export', file, '--out', out]);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    await expect(readFile(out)).rejects.toThrow(/ENOENT/);
  });
});
