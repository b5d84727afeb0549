import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCalibration } from '@harmonica/router';
import { temporaryFolder } from '@harmonica/testing';
import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import { runCommand } from '../../test/run-command.js';

describe('harmonica calibrate', () => {
  let folder: string;
  let run: readonly string[];
  beforeAll(async () => {
    folder = await temporaryFolder();
    run = ['--model', await writeTinyModel(join(folder, 'model')), '--steps', '5'];
  });

  it.each(['teacache', 'smoothcache', 'magcache'] as const)(
    'writes what --policy %s samples with, and refuses another run',
    async (method) => {
      const out = join(folder, `${method}.json`);
      const images = ['--seeds', '0-3', '--batch', '2', '--degree', '2'];
      const { status, stdout, stderr } = await runCommand([
        ...['calibrate', method, ...run, ...images, '--guidance', '2', '--out', out],
      ]);
      expect(stderr).not.toContain('error');
      expect(status).toBe(0);
      expect(stdout).toContain(`${out}: ${method}, 4 images in 2 runs of 5 steps\n`);
      const calibration = parseCalibration(await readFile(out, 'utf8'));
      expect(calibration).toMatchObject({
        method,
        steps: 5,
        branches: 6,
        runs: 2,
        provenance: { guidance: { scale: 2, channels: 4 }, training: { images: 4, batchSize: 2 } },
      });
      if (calibration.method === 'teacache') {
        const fit = `degree 2 through 8 points: R squared ${calibration.rSquared.toFixed(3)}`;
        expect(stdout).toContain(fit);
      }

      const sample = [
        'sample',
        '--model',
        run[1] as string,
        '--seeds',
        '0',
        '--out',
        join(folder, 'o'),
      ];
      const policy = ['--policy', `${method}:${out},threshold=9`];
      const sampled = await runCommand([...sample, ...policy]);
      // Steps and guidance are those of the calibration.
      expect(sampled.stdout).toMatch(/1 images, ddim, 5 steps, .*threshold=9: CUR [1-9]/);
      const refused = await runCommand([...sample, ...policy, '--steps', '6']);
      expect(refused.stderr).toMatch(/calibration's number of steps is 5; expected 6/);
    },
  );

  it('frees what it recorded', async () => {
    const argv = [
      'calibrate',
      'magcache',
      ...run,
      '--seeds',
      '0',
      '--out',
      join(folder, 'again.json'),
    ];
    const again = async () => {
      expect((await runCommand(argv)).status).toBe(0);
      return memory().numTensors;
    };
    expect(await again()).toBe(await again());
  });

  it('refuses too few points and unknown methods before sampling', async () => {
    const out = join(folder, 'never.json');
    const few = await runCommand(['calibrate', 'teacache', ...run, '--seeds', '0', '--out', out]);
    expect(few.status).toBe(1);
    expect(few.stderr).toMatch(/more than 4 steps after the first .*; there are 4/);
    expect(few.stderr).not.toContain('calibrating');
    const unknown = await runCommand(['calibrate', 'fora']);
    expect(unknown.stderr).toMatch(/Expected one of smoothcache, magcache, teacache/);
    await expect(readFile(out)).rejects.toThrow();
  });
});
