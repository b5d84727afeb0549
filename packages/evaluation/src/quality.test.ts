import { InvalidArgumentError } from '@harmonica/core';
import { createInceptionScore } from '@harmonica/metrics';
import { describe, expect, it } from 'vitest';
import { stacked } from './batches.js';
import { assertEnoughImages, gatherRow, outputsFor, qualityOf } from './quality.js';

const IDENTITY = { name: 'Mine', hash: 'ab' };

/** Batches of images whose features are these numbers and their squares. */
const batchesWith = (batches: readonly (readonly number[])[]) =>
  batches.map(
    (batch) =>
      new Map([
        ['uncached', stacked(batch.map((x) => [x === 0 ? Number.POSITIVE_INFINITY : 20 + x, 0.5]))],
        ['features', stacked(batch.map((x) => [x, x * x]))],
        ['logits', stacked(batch.map((x) => [x, 1 - x]))],
      ]),
  );

async function* stream<T>(items: readonly T[]) {
  yield* items;
}

describe('gatherRow and qualityOf', () => {
  it('do not depend on how images were split into batches', async () => {
    const metrics = ['psnr', 'ssim', 'fid', 'kid', 'feature-distance', 'is'] as const;
    const images = [0, 1, 2, 3, 4, 5];
    const gather = (batches: readonly (readonly number[])[]) => {
      const sizes = batches.map(({ length }) => length);
      const ends = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((a, b) => a + b));
      const originals = sizes.map((size, i) => images.slice(Number(ends[i]) - size, ends[i]));
      return gatherRow({
        measured: batchesWith(batches),
        uncached: stream(batchesWith(originals)),
        images: images.length,
        metrics,
        identity: IDENTITY,
      });
    };
    const [together, apart, moved] = await Promise.all([
      gather([[0, 1, 2, 3, 4, 5]]),
      gather([[0], [1, 2, 3], [4, 5]]),
      gather([
        [0, 1, 2],
        [3, 4, 9],
      ]),
    ]);
    const quality = (row: typeof together) => qualityOf({ row, reference: together, metrics });
    expect(quality(apart)).toEqual(quality(together));
    expect(quality(together).fid).toBeCloseTo(0, 9);
    expect(quality(together).featureDistance).toBe(0);
    expect(quality(together).psnrToUncached).toBe(23); // without the image that is the same
    expect(quality(together).ssimToUncached).toBe(0.5);
    expect(quality(moved).fid).toBeGreaterThan(1);
    const norms = images.reduce((sum, x) => sum + Math.hypot(x, x * x), 0);
    expect(quality(moved).featureDistance).toBeCloseTo(Math.hypot(9 - 5, 81 - 25) / norms, 12);
    expect(quality(apart).inceptionScore).toBeCloseTo(1, 12); // a part for each image
  });

  it('look at every pair, however few features are kept', async () => {
    const measured = batchesWith([
      [0, 1],
      [2, 3],
      [4, 9],
    ]);
    const uncached = stream(
      batchesWith([
        [0, 1],
        [2, 3],
        [4, 5],
      ]),
    );
    const metrics = ['feature-distance', 'kid'] as const;
    const row = await gatherRow({ measured, uncached, metrics, most: 2 });
    expect(row.features?.count).toBe(2);
    expect(row.featureDistance).toBeGreaterThan(0);
  });

  it('score classes in ten parts', async () => {
    const images = Array.from({ length: 25 }, (_, i) => (i % 7) - 3);
    const measured = batchesWith([images.slice(0, 9), images.slice(9)]);
    const row = await gatherRow({ measured, metrics: ['is'], images: 25 });
    const { data } = stacked(images.map((x) => [x, 1 - x]));
    const whole = createInceptionScore({ count: 25, dimension: 2 });
    whole.add({ data, count: 25, dimension: 2 });
    expect(row.inceptionScore).toBe(whole.result().mean);
    expect(row.inceptionScore).toBeGreaterThan(1.1);
  });

  it('leave out what was not asked for or has nothing to be compared with', async () => {
    const row = await gatherRow({ measured: batchesWith([[1, 2, 3]]), metrics: ['ssim'] });
    const quality = qualityOf({ row, metrics: ['ssim', 'fid', 'precision-recall', 'is'] });
    expect(quality).toEqual({
      psnrToUncached: null,
      ssimToUncached: 0.5,
      psnrToTarget: null,
      ssimToTarget: null,
      featureDistance: null,
      fid: null,
      sfid: null,
      inceptionScore: null,
      precision: null,
      recall: null,
      kid: null,
    });
  });
});

describe('outputsFor', () => {
  it('names each output once', () => {
    expect(outputsFor(['psnr', 'ssim'])).toEqual([]);
    expect(outputsFor(['fid', 'kid', 'sfid', 'is'])).toEqual(['features', 'spatial', 'logits']);
  });
});

describe('assertEnoughImages', () => {
  it.each([
    ['fid', 2048],
    ['sfid', 2023],
    ['precision-recall', 4],
    ['kid', 2],
    ['psnr', 1],
  ] as const)('wants for %s at least %i', (metric, least) => {
    expect(() => assertEnoughImages({ metrics: [metric], images: least })).not.toThrow();
    if (least === 1) return;
    const tooFew = () => assertEnoughImages({ metrics: [metric], images: least - 1 });
    expect(tooFew).toThrow(InvalidArgumentError);
  });
});
