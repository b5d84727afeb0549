import '@tensorflow/tfjs-backend-cpu';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FeatureExtractor } from '@harmonica/metrics';
import { encodePng } from '@harmonica/pictures';
import { temporaryFolder } from '@harmonica/testing';
import { mean, slice, type Tensor2D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pngFiles, statisticsReference } from './reference.js';
import { imageStatistics, STATISTICS_METRICS } from './reference-set.js';

/** Mean colours of pictures and of their corners. */
const colorsOf = (hash: string) => {
  const extractor: FeatureExtractor = {
    identity: { name: 'colours', hash },
    imageSize: 8,
    outputs: { features: 3, spatial: 3 },
    extract: (images: Tensor4D) =>
      tidy(() => ({
        features: mean<Tensor2D>(images, [1, 2]),
        spatial: mean<Tensor2D>(slice(images, [0, 0, 0, 0], [-1, 2, 2, -1]), [1, 2]),
      })),
    dispose: () => {},
  };
  return { extractor, outputs: Object.keys(extractor.outputs), run: extractor.extract };
};
const pictures = Array.from({ length: 7 }, (_, i) =>
  Uint8Array.from({ length: 8 * 8 * 3 }, (_, k) => (k * (7 + i) + i * i) % 251),
);

describe('imageStatistics', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await temporaryFolder();
    await mkdir(join(folder, 'pictures'));
    for (const [i, data] of pictures.entries()) {
      const png = encodePng({ data, width: 8, height: 8, channels: 3 });
      await writeFile(join(folder, 'pictures', `${i}.png`), png);
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  const made = async (batchSize: number) => {
    const files = await pngFiles(join(folder, 'pictures'));
    return imageStatistics({ files, extractor: colorsOf('c0'), batchSize });
  };

  it('makes a file that is a reference of the same extractor and of no other', async () => {
    const path = join(folder, 'reference.npz');
    await writeFile(path, await made(3));
    const metrics = STATISTICS_METRICS;
    const reference = await statisticsReference({ path, extractor: colorsOf('c0'), metrics });
    const { features, spatial } = (await reference.load()).statistics;
    const colour = (channel: number, pixels: number) => {
      const values = pictures.flatMap((data) =>
        [...data].filter((_, k) => k % 3 === channel && (k / 3) % 8 < pixels && k / 24 < pixels),
      );
      return values.reduce((a, b) => a + b) / values.length;
    };
    for (const channel of [0, 1, 2]) {
      expect(features?.mean[channel]).toBeCloseTo(colour(channel, 8), 3);
      expect(spatial?.mean[channel]).toBeCloseTo(colour(channel, 2), 3);
    }
    expect(features).toMatchObject({ count: 7, extractor: { name: 'colours', hash: 'c0' } });
    await expect(
      statisticsReference({ path, extractor: colorsOf('c1'), metrics }),
    ).rejects.toMatchObject({ code: 'incompatible' });
  });

  it('does not depend on how many pictures are read at a time', async () => {
    expect(await made(2)).toEqual(await made(7));
  });
});
