import { loadEmojiDit } from '@harmonica/emoji-dit';
import { randomUniform, type Tensor4D } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import { selectBackend } from '../engine/select-backend.js';
import { createImageEncoder, encoderOf } from './codec.js';

it('encodes as the autoencoder does, compiled and scaled, to 1e-5 of the largest value', async () => {
  const backend = await selectBackend({ name: 'onnx', threads: 1 });
  const { autoencoder, backbone, dispose } = await loadEmojiDit({ folder: await writeTinyModel() });
  const encoder = encoderOf({ autoencoder, scale: 0.5, latent: backbone.spec.latent });
  expect(encoder.image).toEqual({ height: 64, width: 64 });
  const compiled = createImageEncoder({ encoder, backend });
  const image: Tensor4D = randomUniform([1, 64, 64, 3], -1, 1, 'float32', 1);
  const output = await compiled.encode(image);
  expect(output.shape).toEqual([1, 8, 8, 8]);
  const { mean, logVariance } = autoencoder.encode(image);
  const means = mean.dataSync();
  const logVariances = logVariance.dataSync();
  const expected = Array.from(output.dataSync(), (_, i) => {
    const at = 4 * Math.floor(i / 8) + (i % 4);
    const isMean = i % 8 < 4;
    return 0.5 * (isMean ? (means[at] as number) : Math.exp((logVariances[at] as number) / 2));
  });
  const largest = Math.max(...expected.map(Math.abs));
  output.dataSync().forEach((value, i) => {
    expect(Math.abs(value - (expected[i] as number))).toBeLessThan(1e-5 * largest);
  });
  for (const tensor of [image, output, mean, logVariance]) tensor.dispose();
  await compiled.dispose();
  dispose();
});
