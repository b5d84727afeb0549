import { readFile } from 'node:fs/promises';
import { compileFunction } from '@harmonica/onnx';
import { expectClose } from '@harmonica/testing';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { load } from 'nsfwjs/core';
import { InceptionV3Model } from 'nsfwjs/models/inception_v3';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FeatureExtractor } from './feature-extractor.js';
import { loadNsfwjsInception } from './load-nsfwjs-inception.js';

const SIZE = 299;
const PICTURE = new URL('../../emoji-dit/samples.png', import.meta.url);

/** Two parts of a real picture, `[2, 299, 299, 3]` in 0..255. */
async function pictures(): Promise<tf.Tensor4D> {
  const { width, data } = PNG.sync.read(await readFile(PICTURE));
  const at = (left: number, top: number) => (i: number) => {
    const [pixel, channel] = [Math.floor(i / 3), i % 3];
    const [x, y] = [left + (pixel % SIZE), top + Math.floor(pixel / SIZE)];
    return data[4 * (y * width + x) + channel] as number;
  };
  const parts = [at(0, 0), at(310, 150)].map((sample) =>
    Float32Array.from({ length: SIZE * SIZE * 3 }, (_, i) => sample(i)),
  );
  return tf.tensor4d(Float32Array.from(parts.flatMap((part) => [...part])), [2, SIZE, SIZE, 3]);
}

describe('loadNsfwjsInception', () => {
  let extractor: FeatureExtractor;
  beforeAll(async () => {
    setWasmPaths(
      new URL('../node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url).pathname,
    );
    await tf.setBackend('wasm');
    extractor = await loadNsfwjsInception();
  });

  it('says of whose making its features are', () => {
    expect(extractor.identity.name).toBe('nsfwjs Inception');
    expect(extractor.outputs).toEqual({ features: 2048, spatial: 2023, logits: 5 });
  });

  it('gives the probabilities that nsfwjs gives, to 1e-4', async () => {
    const images = await pictures();
    const original = await load('InceptionV3', { modelDefinitions: [InceptionV3Model] });
    const expected = original.model.predict(tf.div(images, 255)) as tf.Tensor2D;
    const run = compileFunction((input: tf.Tensor4D) => extractor.extract(input), { threads: 1 });
    const { logits } = await run(images);
    const probabilities = tf.softmax(logits as tf.Tensor2D);
    const [actual, wanted] = [await probabilities.data(), await expected.data()];
    expect(Math.max(...wanted)).toBeLessThan(0.999); // or any network that is sure would do
    expectClose(
      { shape: [2, 5], data: actual },
      { shape: [2, 5], data: wanted },
      { relative: 0, absolute: 1e-4 },
    );
    await run.dispose();
  });
});
