import '@tensorflow/tfjs-backend-cpu';
import {
  AbortedError,
  IncompatibleError,
  InvalidArgumentError,
  NonFiniteError,
  type PixelImage,
  ShapeError,
} from '@harmonica/core';
import {
  log,
  max,
  mean,
  memory,
  neg,
  reshape,
  type Tensor2D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { describe, expect, it, vi } from 'vitest';
import {
  collectFeatures,
  type ExtractFeaturesOptions,
  extractFeatures,
} from './extract-features.js';
import type { FeatureExtractor } from './feature-extractor.js';

const colour = (images: Tensor4D): Tensor2D => mean(images, [1, 2]);

/** Mean and largest colour of an image. */
const extractor: FeatureExtractor = {
  identity: { name: 'Colours', hash: 'c0' },
  imageSize: 2,
  outputs: { features: 3, logits: 1 },
  extract: (images) =>
    tidy(() => ({
      features: colour(images),
      logits: reshape(max(images, [1, 2, 3]), [-1, 1]),
    })),
  dispose() {},
};

/** A red of some strength. */
function red(value: number, rest: Partial<PixelImage> = {}): PixelImage {
  const data = Float32Array.from({ length: 12 }, (_, i) => (i % 3 === 0 ? value : 0));
  return { data, width: 2, height: 2, channels: 3, ...rest };
}

type Rest = Partial<Omit<ExtractFeaturesOptions, 'images'>>;
const collect = (images: ExtractFeaturesOptions['images'], rest: Rest = {}) =>
  collectFeatures(extractFeatures({ extractor, images, ...rest }));

describe('extractFeatures', () => {
  it('gives each output of all images, in order, with its extractor', async () => {
    const before = memory().numTensors;
    const onProgress = vi.fn();
    const sets = await collect([[red(1), red(2)], [], [red(3)]], { onProgress });
    const { identity } = extractor;
    const features = Float32Array.of(1, 0, 0, 2, 0, 0, 3, 0, 0);
    expect(sets).toEqual({
      features: { data: features, count: 3, dimension: 3, extractor: identity },
      logits: { data: Float32Array.of(1, 2, 3), count: 3, dimension: 1, extractor: identity },
    });
    expect(onProgress.mock.calls).toEqual([[{ images: 2 }], [{ images: 3 }]]);
    expect(memory().numTensors).toBe(before);
  });

  it('asks for a batch when the one before is done', async () => {
    const made: number[] = [];
    async function* images() {
      for (const value of [1, 2, 3]) {
        made.push(value);
        yield [red(value)];
      }
    }
    for await (const { features } of extractFeatures({ extractor, images: images() })) {
      expect(features?.data[0]).toBe(made.length);
    }
    expect(made).toEqual([1, 2, 3]);
  });

  it('runs the extractor as it is told, for the outputs that are wanted', async () => {
    const run = vi.fn(async (images: Tensor4D) => extractor.extract(images));
    const sets = await collect([[red(255)]], { run, outputs: ['logits'] });
    expect(Object.keys(sets)).toEqual(['logits']);
    expect(sets.logits?.data).toEqual(Float32Array.of(255));
    expect(run).toHaveBeenCalledOnce();
  });

  it('takes 8-bit images', async () => {
    const data = new Uint8Array(12).fill(200);
    const { features } = await collect([[red(0, { data })]]);
    expect(features?.data).toEqual(Float32Array.of(200, 200, 200));
  });

  it.each<[string, ExtractFeaturesOptions['images'], Rest, object, string]>([
    ['no image', [[]], {}, InvalidArgumentError, 'at least one image'],
    [
      'sizes that differ',
      [[red(1)], [red(1, { height: 1, data: new Float32Array(6) })]],
      {},
      ShapeError,
      'images[1] has shape [1, 2, 3]; expected [2, 2, 3]',
    ],
    [
      'grey images',
      [[red(1, { channels: 1, data: new Float32Array(4) })]],
      {},
      ShapeError,
      'images[0] has shape [2, 2, 1]',
    ],
    ['too few samples', [[red(1, { width: 3 })]], {}, ShapeError, 'images[0].data'],
    ['NaN', [[red(Number.NaN)]], {}, NonFiniteError, 'images[0]'],
    ['samples below the range', [[red(-1)]], {}, InvalidArgumentError, 'images[0] is -1'],
    ['samples above the range', [[red(256)]], {}, InvalidArgumentError, 'images[0] is 256'],
    ['an unknown output', [[red(1)]], { outputs: ['pool3'] }, InvalidArgumentError, 'features'],
    ['no output', [[red(1)]], { outputs: [] }, InvalidArgumentError, 'features, logits'],
    ['an abort', [[red(1)]], { signal: AbortSignal.abort() }, AbortedError, 'stopped'],
    [
      'features that are NaN',
      [[red(1)]],
      {
        run: (x) => ({ ...extractor.extract(x), features: log(neg(colour(x))) }),
      },
      NonFiniteError,
      'features is not finite',
    ],
    [
      'a run that leaves an output out',
      [[red(1)]],
      { run: (x) => ({ features: colour(x) }) },
      ShapeError,
      'logits has shape []; expected [1, 1]',
    ],
  ])('refuses %s', async (_, images, rest, type, message) => {
    const error = await collect(images, rest).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toContain(message);
  });
});

describe('collectFeatures', () => {
  it('refuses no batches, and batches of several extractors', async () => {
    await expect(collectFeatures([])).rejects.toBeInstanceOf(InvalidArgumentError);
    const set = { data: new Float32Array(3), count: 1, dimension: 3 };
    const batches = ['a', 'b'].map((hash) => ({
      features: { ...set, extractor: { name: 'x', hash } },
    }));
    await expect(collectFeatures(batches)).rejects.toBeInstanceOf(IncompatibleError);
    await expect(collectFeatures([{ features: set }, {}])).rejects.toBeInstanceOf(
      IncompatibleError,
    );
  });
});
