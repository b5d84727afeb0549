import '@tensorflow/tfjs-backend-cpu';
import type { Backbone } from '@harmonica/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFixture, sourceOf } from '../test/fixture.js';
import { expectSameBranches, expectSameOutput, outputBits } from '../test/parity.js';
import { loadSit, type SitConfig } from './dit/sit.js';

const CONFIGS: SitConfig[] = [
  {
    name: 'sit',
    depth: 2,
    hiddenSize: 24,
    heads: 2,
    patchSize: 2,
    mlpRatio: 4,
    inputSize: 8,
    inChannels: 4,
    numClasses: 5,
    learnSigma: true,
  },
  {
    name: 'sit-without-sigma',
    depth: 1,
    hiddenSize: 24,
    heads: 3,
    patchSize: 4,
    mlpRatio: 2.5,
    inputSize: 8,
    inChannels: 3,
    numClasses: 3,
    learnSigma: false,
  },
];

describe.each(CONFIGS)('the official SiT: $name', (config) => {
  const run = readFixture(`${config.name}-run`);
  let backbone: Backbone;
  beforeAll(async () => {
    backbone = await loadSit({ config, source: sourceOf(readFixture(config.name)) });
  });
  afterAll(() => backbone.dispose());

  it('gives the same output', () => expectSameOutput(backbone, run));
  it('gives the same output of every branch before its gate', () =>
    expectSameBranches(backbone, run));

  it("gives the same bits from diffusers' layout", async () => {
    const source = sourceOf(readFixture(`${config.name}-diffusers`));
    const other = await loadSit({ config, source });
    expect(outputBits(other, run)).toEqual(outputBits(backbone, run));
    other.dispose();
  });
});
