import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { loadInception } from '@harmonica/metrics';
import { selectBackend } from '@harmonica/pipeline';
import { temporaryFolder } from '@harmonica/testing';
import { writePyTorch } from '@harmonica/weights';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formulaWeights } from '../../metrics/test/formula-weights.js';
import { withExtractor } from './extractor.js';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true }));

it('loads the network of FID from a file, and calls other weights by the name of the file', async () => {
  const weights = formulaWeights();
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const name of weights.names) {
    tensors.set(name, { shape: weights.info(name).shape, data: await weights.read(name) });
  }
  const name = join(folder, 'pt_inception-2015-12-05-6726825d.pth');
  await writePyTorch(name, tensors);

  const identity = await withExtractor({
    name,
    outputs: ['features'],
    backend: await selectBackend({ name: 'cpu' }),
    use: async (running) => running?.extractor.identity,
  });
  const expected = await loadInception({ source: { ...weights, path: name } });
  expected.dispose();
  expect(identity).toEqual(expected.identity);
  expect(identity?.name).toBe('Inception (FID architecture), pt_inception-2015-12-05-6726825d.pth');
});
