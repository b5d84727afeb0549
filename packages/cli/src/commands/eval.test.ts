import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { planFingerprint } from '@harmonica/core';
import type { RowRecord } from '@harmonica/evaluation';
import { encodeStatistics } from '@harmonica/metrics';
import { encodePng } from '@harmonica/pictures';
import { writeOutput } from '@harmonica/pipeline';
import { createDdimPlan } from '@harmonica/samplers';
import { temporaryFolder } from '@harmonica/testing';
import { hashFiles } from '@harmonica/weights';
import { memory } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TINY_CONFIG, writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import { runCommand } from '../../test/run-command.js';

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
      signal?: AbortSignal | undefined;
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
  const recordsIn = async (out: string) => {
    const text = await readFile(join(folder, out, 'results.jsonl'), 'utf8');
    const lines = text.trimEnd().split('\n');
    return lines.map((line): { results: RowRecord; provenance: object } => JSON.parse(line));
  };
  const resultsIn = async (out: string) => (await recordsIn(out)).map(({ results }) => results);

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
      RowRecord,
      RowRecord,
      RowRecord,
      RowRecord,
      RowRecord,
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
    const { status, stdout, stderr } = await evaluate(config, { out: 'timed' });
    expect(stderr).not.toMatch(/error/);
    expect(status).toBe(0);
    const [uncached, ...rest] = await resultsIn('timed');
    expect(uncached?.latency?.ms.count).toBe(2);
    expect(uncached?.latency?.speedUp.median).toBe(1);
    const report = await readFile(join(folder, 'timed', 'report.html'), 'utf8');
    expect(report).toMatch(/its time by itself; predicted, one takes \d+\.\d\d ms/);
    // How fast the machine is decides whether there is a row near 2x, and nothing else.
    for (const { name, tuned, steps } of rest) {
      expect(tuned).toEqual({ setting: 'steps', value: steps, target: 2 });
      expect(name).toBe(`ddim ${steps}, for 2x`);
      expect(stdout).toMatch(new RegExp(`^\\| ${name} +\\| `, 'm'));
    }
    expect((await evaluate(config, { out: 'timed', share: '1/1' })).status).toBe(0); // knobs are tuned
    const untuned = await evaluate(config, { out: 'untuned', share: '1/1' });
    expect(untuned.status).toBe(1);
    expect(untuned.stderr).toMatch(/--share is "1\/1".*steps of ddim, fewer steps.*without shares/);
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
    expect(stdout).toMatch(
      /Recall % ↑, nsfwjs Inception \|.*feature distance ↓, nsfwjs Inception \|/,
    );
    const curves = join(folder, 'features', 'curves');
    for (const name of await readdir(curves)) {
      const curve = await readFile(join(curves, name), 'utf8');
      expect(curve, name).toMatch(/>[A-Z][\w ]+, nsfwjs Inception \((?:lower|higher) is better\)</);
    }
    const [{ provenance } = { provenance: {} }] = await recordsIn('features');
    expect(provenance).toMatchObject({
      extractor: { name: 'nsfwjs Inception', hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      reference: {
        name: '5 images of reference',
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
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

  it('says what every result comes from', async () => {
    const schedule = join(folder, 'schedule.json');
    const made = await runCommand([
      ...['schedule', 'make', 'fora:2', '--steps', '4', '--model', model, '--out', schedule],
    ]);
    expect(made.stderr).not.toMatch(/error/);
    const groups = [{ steps: 4, rows: [{ policy: schedule }, { steps: 3 }] }];
    const config = { ...CONFIG, groups, seeds: 40 };
    const { status, stderr } = await evaluate(config, { out: 'provenance' });
    expect(stderr).not.toMatch(/error/);
    expect(status).toBe(0);
    const records = await recordsIn('provenance');
    const { provenance } = records[0] ?? {};
    for (const record of records) expect(record.provenance).toEqual(provenance);
    expect(provenance).toEqual({
      engine: { backend: 'onnx', executionProvider: 'cpu', threads: null, gpu: null },
      model: {
        name: 'emoji-dit',
        sha256: await hashFiles([join(model, 'dit.safetensors')]),
        architectureSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        decoder: {
          sha256: await hashFiles([join(model, 'vae.safetensors')]),
          configSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          scale: TINY_CONFIG.scaling_factor,
        },
        promptsSha256: null,
      },
      extractor: null,
      reference: null, // nothing is compared by features
    });
    const results = records.map((record) => record.results);
    const plans = [4, 4, 3].map((steps) => planFingerprint(createDdimPlan({ steps })));
    expect(results.map(({ planSha256 }) => planSha256)).toEqual(plans);
    const sha256 = createHash('sha256')
      .update(await readFile(schedule))
      .digest('hex');
    expect(results.map(({ policyFiles }) => policyFiles)).toEqual([
      [],
      [{ file: schedule, sha256 }],
      [],
    ]);
    const report = await readFile(join(folder, 'provenance', 'report.html'), 'utf8');
    expect(report).toContain('; engine onnx; ');
  });

  it('starts at the first seed that is given', async () => {
    const groups = [{ steps: 3, rows: [{ steps: 2 }] }];
    const config = { ...CONFIG, groups, reference: undefined };
    const keysAt = async (seeds?: number) => {
      const { status } = await evaluate({ ...config, seeds }, { out: 'seeds' });
      expect(status).toBe(0);
      return (await resultsIn('seeds')).map(({ key }) => key);
    };
    const unsaid = await keysAt();
    expect(await keysAt(0)).toEqual(unsaid);
    for (const key of await keysAt(7)) expect(unsaid).not.toContain(key);
  });

  it('decodes kept latents anew for another decoder', async () => {
    const groups = [{ steps: 3, rows: [{ steps: 2 }] }];
    const other = await writeTinyModel(join(folder, 'other-decoder'));
    const config = { ...CONFIG, groups, reference: undefined, model: other };
    const run = async () => {
      const { status } = await evaluate(config, { out: 'decoders' });
      expect(status).toBe(0);
      const [, row] = await resultsIn('decoders');
      return row as RowRecord;
    };
    const before = await run();
    const changed = { ...TINY_CONFIG, scaling_factor: 3 };
    await writeFile(join(other, 'config.json'), JSON.stringify(changed));
    const after = await run();
    expect(after.key).toBe(before.key);
    expect(after.quality.psnrToUncached).not.toBe(before.quality.psnrToUncached);
    expect(await readdir(join(folder, 'decoders', 'kept', 'latents'))).toHaveLength(2);
  });

  it('compares latents along the run where timesteps are the same', async () => {
    const policy = 'fora:2';
    const rows = [
      { policy, name: 'alike' },
      { policy, name: 'longer', steps: 6 },
      { policy, name: 'shorter', steps: 3 },
      { policy, name: 'spaced', settings: { spacing: 'trailing' } },
    ];
    const config = { ...CONFIG, groups: [{ steps: 4, rows }], reference: undefined };
    const { status, stderr } = await evaluate(config, { out: 'errors' });
    expect(stderr).not.toMatch(/error/);
    expect(status).toBe(0);
    const report = await readFile(join(folder, 'errors', 'report.html'), 'utf8');
    const [, section = ''] = /<h2>Error along the run(.*?)<h2>/s.exec(report) ?? [];
    expect(section).toContain('alike');
    expect(section).not.toMatch(/longer|shorter|spaced/);
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
    const dimension = 2048;
    const sound = {
      dimension,
      mean: new Float64Array(dimension),
      covariance: new Float64Array(dimension ** 2),
      count: 3000,
    };
    const asymmetric = sound.covariance.slice();
    asymmetric[1] = 1;
    const nan = sound.mean.slice();
    nan[7] = Number.NaN;
    const small = { mean: Float64Array.of(0, 0), covariance: Float64Array.of(1, 0, 0, 1) };
    const files = {
      'other-dimension': { ...sound, ...small, dimension: 2 },
      asymmetric: { ...sound, covariance: asymmetric },
      nan: { ...sound, mean: nan },
      few: { ...sound, count: 2047 },
      foreign: { ...sound, extractor: { name: 'another network', hash: 'ab' } },
    };
    for (const [name, statistics] of Object.entries(files)) {
      await writeFile(join(folder, `${name}.npz`), encodeStatistics(statistics));
    }
    for (const kind of ['EMPTY', 'SIZES', 'BROKEN', 'THREE', 'ONE'])
      await mkdir(join(folder, kind));
    const png = (width: number) =>
      encodePng({ data: new Uint8Array(8 * width * 3), width, height: 8, channels: 3 });
    await writeFile(join(folder, 'SIZES', 'a.png'), png(8));
    await writeFile(join(folder, 'SIZES', 'b.png'), png(9));
    await writeFile(join(folder, 'ONE', 'a.png'), png(8));
    for (const name of 'abc') await writeFile(join(folder, 'THREE', `${name}.png`), png(8));
    await writeFile(
      join(folder, 'BROKEN', 'x.png'),
      'not a picture at all, whatever its name says',
    );
  });

  it.each([
    [
      'a policy that there is not',
      { model: '/no/such/model', groups: [{ steps: 5, rows: [{ policy: 'forra:2' }] }] },
      /policy is "forra:2"/,
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
    [
      'a reference of fewer pictures than features',
      { metrics: ['fid'], images: 2048, reference: { images: 'THREE' } },
      /reference\.images is 3; expected at least 2048 for fid/,
    ],
    [
      'a reference of fewer pictures than spatial features',
      { metrics: ['sfid'], images: 2048, reference: { images: 'THREE' } },
      /reference\.images is 3; expected at least 2023 for sfid/,
    ],
    [
      'a reference of fewer pictures than neighbours',
      { metrics: ['precision-recall'], images: 4, reference: { images: 'THREE' } },
      /reference\.images is 3; expected at least 4 for precision-recall/,
    ],
    [
      'a reference of a single picture',
      { metrics: ['kid'], reference: { images: 'ONE' } },
      /reference\.images is 1; expected at least 2 for kid/,
    ],
    [
      'statistics of another dimension',
      {
        metrics: ['fid'],
        images: 2048,
        reference: { statistics: 'STATISTICS/other-dimension.npz' },
      },
      /feature dimension of .*other-dimension\.npz is 2; expected 2048/,
    ],
    [
      'statistics that are not symmetric',
      { metrics: ['fid'], images: 2048, reference: { statistics: 'STATISTICS/asymmetric.npz' } },
      /asymmetric\.npz\.covariance is .*; expected symmetric/,
    ],
    [
      'statistics with NaN',
      { metrics: ['fid'], images: 2048, reference: { statistics: 'STATISTICS/nan.npz' } },
      /nan\.npz\.mean is not finite/,
    ],
    [
      'statistics of fewer images than features',
      { metrics: ['fid'], images: 2048, reference: { statistics: 'STATISTICS/few.npz' } },
      /few\.npz\.count is 2047; .*2048, or more/,
    ],
    [
      'statistics without those of spatial features',
      { metrics: ['sfid'], images: 2048, reference: { statistics: 'STATISTICS/few.npz' } },
      /few\.npz: has no array mu_s/,
    ],
    [
      'statistics of another extractor',
      { metrics: ['fid'], images: 2048, reference: { statistics: 'STATISTICS/foreign.npz' } },
      /The extractor is "another network, ab"; expected "nsfwjs Inception/,
    ],
    ['a distance to nothing', { metrics: ['fid'], images: 2048, reference: undefined }, /fid/],
    [
      'a misspelt policy of a knob, without looking for the model',
      {
        model: '/no/such/model',
        latency: { batch: 1 },
        groups: [
          {
            steps: 5,
            speedUps: [2],
            rows: [{ policy: 'frst-block', knob: { setting: 'threshold', range: [0.1, 1] } }],
          },
        ],
      },
      /policy is "frst-block:threshold=0\.1"/,
    ],
    [
      'half an interval of a knob, without looking for the model',
      {
        model: '/no/such/model',
        latency: { batch: 1 },
        groups: [
          {
            steps: 5,
            speedUps: [2],
            rows: [{ policy: 'fora', knob: { setting: 'interval', values: [2, 2.5] } }],
          },
        ],
      },
      /interval=2\.5.*interval/s,
    ],
    ['a missing reference', { metrics: ['kid'], reference: { images: '/no/such' } }, /no\/such/],
    [
      'a metric that needs images',
      { metrics: ['kid'], reference: { statistics: 'x.npz' } },
      /kid.*statistics file/,
    ],
  ])('refuses %s before it samples', async (_, change, message) => {
    const text = JSON.stringify({ ...CONFIG, ...change })
      .replace(/EMPTY|SIZES|BROKEN|THREE|ONE/, (kind) => join(folder, kind))
      .replace('STATISTICS', folder);
    const { status, stderr } = await evaluate(JSON.parse(text), { out: 'refused' });
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    await expect(readFile(join(folder, 'refused', 'results.jsonl'))).rejects.toThrow(/ENOENT/);
  });
});
