import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memory } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import { runCommand } from '../../test/run-command.js';
import { temporaryFolder } from '../../test/temporary-folder.js';
import type { EvalResult } from '../eval/eval-result.js';
import { writeOutput } from '../output-files.js';
import { encodePng } from '../png-file.js';

const CONFIG = {
  images: 3,
  batch: 2,
  classes: ['heart', 'flag'],
  groups: [
    {
      steps: 5,
      rows: [
        { steps: 4 },
        { policy: 'fora:2' },
        { policy: 'interval:2,predictor=linear', name: 'interval 2, linear' },
        { policy: 'first-block:0.4' },
      ],
    },
  ],
  reference: { steps: 6 },
  latency: false,
  shown: 2,
};

describe('harmonica eval', () => {
  let folder: string;
  let model: string;
  beforeAll(async () => {
    folder = await temporaryFolder();
    model = await writeTinyModel(join(folder, 'model'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const evaluate = async (
    config: object,
    {
      out,
      share,
      signal,
      onStderr,
    }: {
      out: string;
      share?: string;
      signal?: AbortSignal;
      onStderr?: (text: string) => void;
    },
  ) => {
    const path = join(folder, 'eval.json');
    await writeOutput(path, JSON.stringify({ model, ...config }));
    const options = share === undefined ? [] : ['--share', share];
    return runCommand(['eval', path, '--out', join(folder, out), ...options], {
      ...(signal && { signal }),
      ...(onStderr && { onStderr, columns: 80 }),
    });
  };
  const resultsIn = async (out: string): Promise<EvalResult[]> => {
    const text = await readFile(join(folder, out, 'results.jsonl'), 'utf8');
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).results);
  };

  it('scores every row against the uncached run, whatever makes it quick', async () => {
    const { status, stdout, stderr } = await evaluate(CONFIG, { out: 'whole' });
    expect(stderr).not.toMatch(/error/);
    expect(status).toBe(0);
    const results = await resultsIn('whole');
    expect(results.map(({ name, steps, isUncached }) => [name, steps, isUncached])).toEqual([
      ['ddim 5', 5, true],
      ['ddim 4', 4, false],
      ['fora:2', 5, false],
      ['interval 2, linear', 5, false],
      ['first-block:0.4', 5, false],
    ]);
    const [uncached, fewer, fora, linear, dynamic] = results as [
      EvalResult,
      EvalResult,
      EvalResult,
      EvalResult,
      EvalResult,
    ];
    expect(uncached.savings).toEqual({ cacheUtilization: 0, theoreticalSpeedUp: 1 });
    expect(uncached.quality).toMatchObject({ psnrToUncached: null, fid: null });
    expect(fewer.savings.theoreticalSpeedUp).toBe(1.25);
    expect(fora.savings.cacheUtilization).toBeCloseTo(2 / 5, 12);
    expect(dynamic.savings.cacheUtilization).toBeGreaterThan(0);
    for (const { quality } of [fewer, fora, linear, dynamic]) {
      expect(quality.psnrToUncached).toBeGreaterThan(10);
      expect(quality.ssimToUncached).toBeLessThan(1);
      expect(quality.psnrToTarget).toBeGreaterThan(10);
    }
    expect(stdout).toMatch(/\| fora:2 +\| 5 /);
    expect(stdout).toMatch(/ PSNR to ddim 6 ↑ \| SSIM to ddim 6 ↑ /);
    const report = await readFile(join(folder, 'whole', 'report.html'), 'utf8');
    expect(report.match(/<svg/g)?.length).toBeGreaterThan(6);
    expect(report.match(/data:image\/png;base64/g)).toHaveLength(5);
    expect(report).not.toMatch(/(?:src|href)="http/);
    expect(await readFile(join(folder, 'whole', 'tables.tex'), 'utf8')).toMatch(/\\toprule/);
    const curves = (await readdir(join(folder, 'whole', 'curves'))).sort();
    expect(curves).toEqual(
      ['psnr-to-target', 'psnr', 'ssim-to-target', 'ssim'].map((name) => `1-${name}.svg`),
    );
    const curve = await readFile(join(folder, 'whole', 'curves', '1-psnr.svg'), 'utf8');
    expect(curve).toMatch(/^<svg /);
    expect(report).toContain(curve);
  });

  it('compares images with the target, whatever distributions are compared with', async () => {
    const groups = [{ steps: 4, rows: [{ policy: 'fora:2' }] }];
    const reference = { statistics: join(folder, 'unused.npz') };
    await writeFile(reference.statistics, '');
    const config = { ...CONFIG, groups, reference, target: { steps: 4 } };
    const { status, stderr } = await evaluate(config, { out: 'target' });
    expect(stderr).not.toMatch(/error/);
    expect(status).toBe(0);
    const [uncached, fora] = (await resultsIn('target')).map(({ quality }) => quality);
    expect(uncached?.psnrToTarget).toBeNull(); // it is the target
    expect(fora?.psnrToTarget).toBeGreaterThan(10);
    expect(fora?.psnrToTarget).toBe(fora?.psnrToUncached);
  });

  it('goes on where it was stopped and finds the same', async () => {
    const controller = new AbortController();
    const stopped = await evaluate(CONFIG, {
      out: 'twice',
      signal: controller.signal,
      onStderr: (text) => {
        if (/fora:2/.test(text)) controller.abort();
      },
    });
    expect(stopped.status).toBe(130);
    const tensors = memory().numTensors;
    expect((await evaluate(CONFIG, { out: 'twice' })).status).toBe(0);
    expect(memory().numTensors).toBe(tensors);
    expect(await resultsIn('twice')).toEqual(await resultsIn('whole'));
  });

  it('times all rows in turns, and tunes a knob to a speed-up', async () => {
    const knob = { setting: 'steps', values: [4, 3, 2] };
    const groups = [{ steps: 6, speedUps: [2], rows: [{ knob }] }];
    const latency = { batch: 1, repeats: 2 };
    const config = { ...CONFIG, images: 1, groups, latency, reference: undefined };
    const { status, stderr } = await evaluate(config, { out: 'timed' });
    expect(stderr).not.toMatch(/error/);
    expect(status).toBe(0);
    const [uncached, ...rest] = await resultsIn('timed');
    expect(uncached?.latency?.ms.count).toBe(2);
    expect(uncached?.latency?.speedUp.median).toBe(1);
    const report = await readFile(join(folder, 'timed', 'report.html'), 'utf8');
    expect(report).toMatch(/its time by itself; predicted, one takes \d+\.\d\d ms/);
    // How fast the machine is decides whether there is a row near 2x, and nothing else.
    for (const { tuned, steps } of rest)
      expect(tuned).toEqual({ setting: 'steps', value: steps, target: 2 });
    expect((await evaluate(config, { out: 'timed', share: '1/1' })).status).toBe(0); // knobs are tuned
    const untuned = await evaluate(config, { out: 'untuned', share: '1/1' });
    expect(untuned.status).toBe(1);
    expect(untuned.stderr).toMatch(
      /--share is "1\/1".*steps of ddim, fewer steps.*without --share/,
    );
  });

  it('compares sets of images by the features of a network, whose name stands beside', async () => {
    const reference = join(folder, 'reference');
    await mkdir(reference);
    for (let i = 0; i < 5; i++) {
      const data = Uint8Array.from({ length: 64 * 64 * 3 }, (_, k) => (k * (7 + i)) % 251);
      const png = encodePng({ data, width: 64, height: 64, channels: 3 });
      await writeFile(join(reference, `${i}.png`), png);
    }
    const config = {
      ...CONFIG,
      images: 5,
      groups: [{ steps: 4, rows: [{ policy: 'fora:2' }] }],
      metrics: ['feature-distance', 'is', 'precision-recall', 'kid'],
      reference: { images: reference },
    };
    const { status, stdout, stderr } = await evaluate(config, { out: 'features' });
    expect(stderr).not.toMatch(/error/);
    expect(status).toBe(0);
    expect(stdout).toMatch(/IS ↑, nsfwjs Inception \|/);
    expect(stdout).toMatch(/features of nsfwjs Inception, against 5 images of reference/);
    const [uncached, fora] = (await resultsIn('features')).map(({ quality }) => quality);
    expect(uncached?.featureDistance).toBeNull();
    expect(fora?.featureDistance).toBeGreaterThan(0);
    for (const quality of [uncached, fora]) {
      expect(quality?.psnrToUncached).toBeNull();
      expect(quality?.inceptionScore).toBeGreaterThanOrEqual(1);
      expect(quality?.kid).toBeGreaterThan(0);
      for (const share of [quality?.precision, quality?.recall]) {
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
      }
    }
  });

  it('is done in shares, each of which says what is next', async () => {
    const shares = await Promise.all(
      ['1/2', '2/2'].map((share) => evaluate(CONFIG, { out: 'shared', share })),
    );
    for (const [i, { status, stdout, stderr }] of shares.entries()) {
      expect(stderr).not.toMatch(/error/);
      expect(status).toBe(0);
      const next = `harmonica eval ${folder}/eval.json --out ${folder}/shared`;
      expect(stdout).toBe(`share ${i + 1}/2 is done; when all are: ${next}\n`);
    }
    await expect(readFile(join(folder, 'shared', 'results.jsonl'))).rejects.toThrow(/ENOENT/);
    expect((await evaluate(CONFIG, { out: 'shared' })).status).toBe(0);
    expect(await resultsIn('shared')).toEqual(await resultsIn('whole'));
  });

  it.each(['0/2', '3/2', '2', '1/2/3'])('refuses the share %s', async (share) => {
    const { status, stderr } = await evaluate(CONFIG, { out: 'refused', share });
    expect(status).toBe(1);
    expect(stderr).toMatch(/Expected a share/);
  });

  beforeAll(async () => {
    for (const kind of ['EMPTY', 'SIZES', 'BROKEN']) await mkdir(join(folder, kind));
    const png = (width: number) =>
      encodePng({ data: new Uint8Array(8 * width * 3), width, height: 8, channels: 3 });
    await writeFile(join(folder, 'SIZES', 'a.png'), png(8));
    await writeFile(join(folder, 'SIZES', 'b.png'), png(9));
    await writeFile(
      join(folder, 'BROKEN', 'x.png'),
      'not a picture at all, whatever its name says',
    );
  });

  it.each([
    [
      'a policy that there is not',
      { groups: [{ steps: 5, rows: [{ policy: 'forra:2' }] }] },
      /forra/,
    ],
    [
      'a router of another plan',
      { groups: [{ steps: 5, rows: [{ policy: 'ddim-20-hold-1.3x' }] }] },
      /number of branches/,
    ],
    ['a class that there is not', { classes: ['unicorn'] }, /unicorn/],
    ['fewer images than features', { metrics: ['fid'] }, /images.*2048/],
    ['an empty reference', { metrics: ['kid'], reference: { images: 'EMPTY' } }, /PNG/],
    [
      'a reference of several sizes',
      { metrics: ['kid'], reference: { images: 'SIZES' } },
      /b\.png.*\[8, 9\].*\[8, 8\]/,
    ],
    [
      'a reference that is no picture',
      { metrics: ['kid'], reference: { images: 'BROKEN' } },
      /x\.png: is not a PNG file/,
    ],
    ['a missing reference', { metrics: ['kid'], reference: { images: '/no/such' } }, /no\/such/],
    [
      'a metric that needs images',
      { metrics: ['kid'], reference: { statistics: 'x.npz' } },
      /kid.*statistics file/,
    ],
  ])('refuses %s before it samples', async (_, change, message) => {
    const text = JSON.stringify({ ...CONFIG, ...change }).replace(/EMPTY|SIZES|BROKEN/, (kind) =>
      join(folder, kind),
    );
    const { status, stderr } = await evaluate(JSON.parse(text), { out: 'refused' });
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    await expect(readFile(join(folder, 'refused', 'results.jsonl'))).rejects.toThrow(/ENOENT/);
  });
});
