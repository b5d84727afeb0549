import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError } from '@harmonica/core';
import type { FeatureExtractor } from '@harmonica/metrics';
import { encodePng } from '@harmonica/pictures';
import { type Pipeline, withPipeline } from '@harmonica/pipeline';
import { temporaryFolder } from '@harmonica/testing';
import { mean, mul, slice, type Tensor2D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../emoji-dit/test/tiny-model.js';
import { parseEvalConfig } from './config.js';
import { type FinishedEval, type RunEvalOptions, runEval, runEvalShare } from './evaluate.js';

/** Mean colours: enough to compare sets of few images by. */
const COLORS: FeatureExtractor = {
  identity: { name: 'colours', hash: 'c0' },
  imageSize: 64,
  outputs: { features: 3, spatial: 3, logits: 3 },
  extract: (images: Tensor4D) =>
    tidy(() => {
      const features = mean<Tensor2D>(images, [1, 2]);
      const spatial = mean<Tensor2D>(slice(images, [0, 0, 0, 0], [-1, 8, 8, -1]), [1, 2]);
      return { features, spatial, logits: mul(features, 0.01) };
    }),
  dispose: () => {},
};
const extractor = {
  extractor: COLORS,
  outputs: Object.keys(COLORS.outputs),
  run: COLORS.extract,
};

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  model = await writeTinyModel(join(folder, 'model'));
  await mkdir(join(folder, 'pictures'));
  for (let i = 0; i < 7; i++) {
    const data = Uint8Array.from({ length: 64 * 64 * 3 }, (_, k) => (k * (7 + i) + i * i) % 251);
    const png = encodePng({ data, width: 64, height: 64, channels: 3 });
    await writeFile(join(folder, 'pictures', `${i}.png`), png);
  }
});
afterAll(() => rm(folder, { recursive: true }));

const configOf = (reference: object) =>
  parseEvalConfig(
    JSON.stringify({
      model,
      images: 5,
      batch: 2,
      groups: [{ steps: 4, rows: [{ policy: 'fora:2' }, { steps: 3 }] }],
      reference,
      target: { steps: 5 },
      metrics: ['psnr', 'ssim', 'feature-distance', 'fid', 'sfid', 'is', 'precision-recall', 'kid'],
      latency: false,
    }),
  );

const withOptions = <T>(
  input: { readonly reference: object; readonly out: string; readonly signal?: AbortSignal },
  use: (options: RunEvalOptions) => Promise<T>,
): Promise<T> => {
  const { reference, out, signal } = input;
  const config = configOf(reference);
  return withPipeline({
    model,
    signal,
    use: (pipeline: Pipeline) =>
      use({ config, pipeline, extractor, folder: join(folder, out), signal }),
  });
};

const keptIn = async (out: string) =>
  (await readdir(join(folder, out), { recursive: true })).sort();
const qualitiesOf = ({ outcome }: FinishedEval) => outcome.rows.map(({ quality }) => quality);

describe.each([
  ['pictures', () => ({ images: join(folder, 'pictures') })],
  ['a run', () => ({ steps: 6 })],
])('runEvalShare, with %s as the reference', (kind, referenceOf) => {
  it.each([2, 4])('makes all that runEval needs, in %i shares at once', async (count) => {
    const reference = referenceOf();
    const whole = await withOptions({ reference, out: `${kind} whole` }, runEval);
    const out = `${kind} ${count}`;
    const share = (index: number) =>
      withOptions({ reference, out }, (options) =>
        runEvalShare({ ...options, share: { index, count } }),
      );
    await Promise.all(Array.from({ length: count }, (_, index) => share(index)));
    const kept = await keptIn(out);
    expect(kept).toEqual(await keptIn(`${kind} whole`));
    const finished = await withOptions({ reference, out }, runEval);
    expect(await keptIn(out)).toEqual(kept);
    expect(finished.outcome).toEqual(whole.outcome);
    const [uncached, ...rest] = qualitiesOf(finished);
    expect(Object.values(rest[0] ?? {})).not.toContain(null);
    expect(uncached).toMatchObject({ psnrToUncached: null, fid: expect.any(Number) });
  });
});

describe('runEvalShare', () => {
  it('waits for the others, and can be stopped there', async () => {
    const controller = new AbortController();
    const input = { reference: { steps: 6 }, out: 'alone', signal: controller.signal };
    const waiting = withOptions(input, (options) =>
      runEvalShare({ ...options, share: { index: 1, count: 2 } }),
    );
    // Of three batches the second is its own.
    const measured = async () =>
      (await keptIn('alone')).filter((file) => /^measured.*000002/.test(file));
    await expect.poll(measured, { timeout: 20_000 }).toHaveLength(4);
    controller.abort();
    await expect(waiting).rejects.toThrow(AbortedError);
    expect((await keptIn('alone')).filter((file) => /000000|^quality./.test(file))).toEqual([]);
  });
});
