import '@tensorflow/tfjs-backend-cpu';
import { applyGuidance, type Backbone } from '@harmonica/core';
import { concat, type Tensor1D, type Tensor4D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  arrayOf,
  expectClose,
  imageOf,
  PARITY_TOLERANCE,
  readFixture,
  relativeError,
  sourceOf,
  toNchw,
} from '../test/fixture.js';
import type { DitConfig } from './dit/dit.js';
import { loadDit } from './dit/dit-family.js';
import { classLabels, forward } from './layers/stream.js';

const CONFIGS: Record<string, DitConfig> = {
  dit: {
    name: 'dit',
    depth: 3,
    hiddenSize: 48,
    heads: 3,
    patchSize: 2,
    mlpRatio: 4,
    inputSize: 8,
    inChannels: 4,
    numClasses: 10,
    learnSigma: true,
  },
  'dit-without-sigma': {
    name: 'dit-without-sigma',
    depth: 1,
    hiddenSize: 24,
    heads: 2,
    patchSize: 4,
    mlpRatio: 2.5,
    inputSize: 12,
    inChannels: 3,
    numClasses: 3,
    learnSigma: false,
  },
};

describe.each(Object.values(CONFIGS))('the official DiT: $name', (config) => {
  const run = readFixture(`${config.name}-run`);
  let backbone: Backbone;

  beforeAll(async () => {
    backbone = await loadDit({ config, source: sourceOf(readFixture(config.name)) });
  });
  afterAll(() => backbone.dispose());

  const input = () => ({
    latent: imageOf(arrayOf(run, 'latent')),
    time: tensor1d(arrayOf(run, 'time').data),
    condition: classLabels({ config, labels: [...arrayOf(run, 'labels').data] }),
  });

  it('gives the same output', () => {
    tidy(() => {
      const output = forward({ backbone, ...input() });
      expectClose({ actual: toNchw(output), expected: arrayOf(run, 'output') });
    });
  });

  it('gives the same output of every branch before its gate', () => {
    tidy(() => {
      const { latent, time, condition } = input();
      let stream = backbone.begin(latent, time, condition);
      for (const branch of backbone.spec.branches) {
        const output = backbone.compute(branch, stream);
        expectClose({ actual: output, expected: arrayOf(run, `branch.${branch.index}`) });
        stream = { ...stream, state: backbone.merge(branch, stream, output) };
      }
    });
    expect([...run.keys()].filter((name) => name.startsWith('branch.'))).toHaveLength(
      backbone.spec.branches.length,
    );
  });
});

describe('the official DiT with guidance', () => {
  const config = CONFIGS.dit as DitConfig;
  const run = readFixture('dit-run');

  it('gives the same output on both halves', async () => {
    const backbone = await loadDit({ config, source: sourceOf(readFixture('dit')) });
    tidy(() => {
      const half = imageOf(arrayOf(run, 'guided.latent'));
      const latent: Tensor4D = concat([half, half], 0);
      const time: Tensor1D = tensor1d([749, 749, 749, 749]);
      const condition = classLabels({ config, labels: [3, 8, 10, 10] });
      const output = applyGuidance({
        output: forward({ backbone, latent, time, condition }),
        scale: 4,
      });
      expectClose({ actual: toNchw(output), expected: arrayOf(run, 'guided.output') });
    });
    backbone.dispose();
  });

  it('would notice an error of twice the tolerance in one element', () => {
    const { data } = arrayOf(run, 'guided.output');
    const magnitude = Math.max(...data.map(Math.abs));
    const wrong = data.slice();
    wrong[17] = (wrong[17] ?? 0) + 2 * PARITY_TOLERANCE * magnitude;
    expect(relativeError(wrong, data)).toBeGreaterThan(PARITY_TOLERANCE);
  });
});
