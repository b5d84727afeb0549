import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fingerprint, parseRouterFile, planFingerprint } from '@harmonica/core';
import { createDdimPlan } from '@harmonica/samplers';
import { temporaryFolder } from '@harmonica/testing';
import { hashFiles, openPyTorch } from '@harmonica/weights';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import { runCommand } from '../../test/run-command.js';

const checkpoint = fileURLToPath(new URL('../../../testing/goldens/routers.pt', import.meta.url));
const sha256 = fingerprint('weights');

describe('harmonica import', () => {
  let folder: string;
  let model: string;
  beforeAll(async () => {
    folder = await temporaryFolder();
    model = await writeTinyModel(join(folder, 'model'));
  });

  it('turns an official checkpoint into a router, last row first', async () => {
    const out = join(folder, 'new', 'router.json');
    const argv = ['import', checkpoint, '--model', model, '--model-sha', sha256, '--out', out];
    const { status, stdout } = await runCommand(argv);
    expect(status).toBe(0);
    const router = parseRouterFile(await readFile(out, 'utf8'), out);
    expect(stdout).toMatch(`${out}: ${router.steps} steps, 6 branches, CUR `);

    const source = await openPyTorch(checkpoint);
    const stored = await source.read('routers.0.prob');
    await source.close();
    const written = Array.from(stored, (logit) => Number(logit.toFixed(6)));
    expect(router.logits.at(-1)).toEqual(written);
    expect(router.provenance).toMatchObject({
      model: { name: 'emoji-dit', sha256 },
      sampler: {
        name: 'ddim',
        planSha256: planFingerprint(createDdimPlan({ steps: router.steps })),
      },
      guidance: { scale: 1.5, channels: 3 },
      training: { importedFrom: 'harmonica' },
    });
  });

  it('computes every second step of a Learning-to-Cache router, as its code does', async () => {
    const out = join(folder, 'l2c.json');
    const argv = ['import', checkpoint, '--kind', 'l2c', '--model', model, '--model-sha', sha256];
    expect((await runCommand([...argv, '--out', out])).status).toBe(0);
    const { logits, provenance } = parseRouterFile(await readFile(out, 'utf8'), out);
    const source = await openPyTorch(checkpoint);
    for (const [step, row] of logits.entries()) {
      const stored = await source.read(`routers.${logits.length - 1 - step}.prob`);
      const expected = step % 2 === 0 ? stored.map(() => 5) : stored;
      expect(row).toEqual(Array.from(expected, (logit) => Number(logit.toFixed(6))));
    }
    await source.close();
    expect(provenance.training).toMatchObject({ importedFrom: 'l2c' });
  });

  it.each([
    [['--model-sha', 'abc'], /--model-sha is "abc"; expected 64 hexadecimal digits/],
    [[], /give its hash, or its file with --weights/],
    [['--model-sha', sha256, '--model', 'DiT-XL/2'], /number of branches is 6; expected 56/],
    [['--model-sha', sha256, '--threshold', '1'], /threshold is 1/],
  ])('refuses %o and writes nothing', async (argv, message) => {
    const out = join(folder, 'refused.json');
    const all = ['import', checkpoint, '--model', model, '--out', out, ...argv];
    const { status, stderr } = await runCommand(all);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    await expect(readFile(out)).rejects.toThrow(/ENOENT/);
  });

  it('hashes the weights that it is shown', async () => {
    const out = join(folder, 'hashed.json');
    const weights = join(model, 'dit.safetensors');
    const argv = ['import', checkpoint, '--model', model, '--weights', weights, '--out', out];
    expect((await runCommand(argv)).status).toBe(0);
    const { provenance } = parseRouterFile(await readFile(out, 'utf8'));
    expect(provenance.model.sha256).toBe(await hashFiles([weights]));
  });
});
