import { compileFunction } from '@harmonica/onnx';
import { expectClose } from '@harmonica/testing';
import { memory, setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { formulaImage, formulaWeights } from '../test/formula-weights.js';
import { readNpz } from '../test/npz.js';
import {
  collectFeatures,
  type ExtractFeaturesOptions,
  extractFeatures,
} from './extract-features.js';
import type { FeatureExtractor } from './feature-extractor.js';
import { loadInception } from './load-inception.js';

/** Made by scripts/make-inception-fixture.py. */
const fixture = readNpz('inception');

const images = { small: formulaImage(40, 56, 1001), large: formulaImage(310, 330, 1002) };

function expected(name: string) {
  const { shape, values } = fixture(name);
  return { shape, data: values as Float64Array };
}

let extractor: FeatureExtractor;
beforeAll(async () => {
  await setBackend('wasm');
  extractor = await loadInception({ source: formulaWeights() });
});

async function expectReference(
  image: keyof typeof images,
  run?: ExtractFeaturesOptions['run'],
): Promise<void> {
  const batches = extractFeatures({ extractor, images: [[images[image]]], ...(run && { run }) });
  const sets = await collectFeatures(batches);
  expect(Object.keys(sets)).toEqual(['features', 'spatial', 'logits']);
  for (const [output, { data, count, dimension, extractor: identity }] of Object.entries(sets)) {
    expectClose({ shape: [count, dimension], data }, expected(`${image}.${output}`), {
      relative: 1e-5,
    });
    expect(identity).toBe(extractor.identity);
  }
}

describe('Inception equals torch-fidelity in float64, to 1e-5', () => {
  it('op by op on a small image, and leaves no tensor behind', async () => {
    const before = memory().numTensors;
    await expectReference('small');
    expect(memory().numTensors).toBe(before);
  });

  it('compiled, on a small and a large image', async () => {
    const run = compileFunction(extractor.extract, { threads: 1 });
    await expectReference('small', run);
    await expectReference('large', run);
    await run.dispose();
  });
});
