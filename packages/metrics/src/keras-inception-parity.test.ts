import { compileFunction } from '@harmonica/onnx';
import { expectClose } from '@harmonica/testing';
import { memory } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { expect, it } from 'vitest';
import { formulaImage, formulaLayersModel } from '../test/formula-weights.js';
import { readNpz } from '../test/npz.js';
import { collectFeatures, extractFeatures } from './extract-features.js';
import { loadKerasInception } from './load-keras-inception.js';

/** Made by scripts/make-keras-inception-fixture.py. */
const fixture = readNpz('keras-inception');

/** As Keras names and lists them. */
const weights = (fixture('weights').values as string).split(' ').map((entry) => {
  const [name = '', shape = ''] = entry.split(':');
  return { name, shape: shape.split(',').map(Number) };
});

it('a quantized layers model, compiled, equals Keras in float64 to 1e-5, and leaves no tensor behind', async () => {
  const before = memory().numTensors;
  const name = 'Inception of formula';
  const extractor = await loadKerasInception({ artifacts: formulaLayersModel(weights), name });
  const run = compileFunction(extractor.extract, { threads: 1 });
  const images = [[formulaImage(40, 56, 1001)]];
  const sets = await collectFeatures(extractFeatures({ extractor, images, run }));
  expect(Object.keys(sets)).toEqual(['features', 'spatial', 'logits']);
  for (const [output, { data, count, dimension, extractor: identity }] of Object.entries(sets)) {
    const { shape, values } = fixture(output);
    const expected = { shape, data: values as Float64Array };
    expectClose({ shape: [count, dimension], data }, expected, { relative: 1e-5 });
    expect(identity?.name).toBe(name);
  }
  await run.dispose();
  extractor.dispose();
  expect(memory().numTensors).toBe(before);
});
