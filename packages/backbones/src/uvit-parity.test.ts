import '@tensorflow/tfjs-backend-cpu';
import type { Backbone } from '@harmonica/core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { arrayOf, readFixture, type StoredArrays, sourceOf } from '../test/fixture.js';
import { expectSameBranches, expectSameOutput } from '../test/parity.js';
import { type UvitConfig, uvitConfig } from './uvit/uvit-config.js';
import { loadUvit } from './uvit/uvit-family.js';

const CONFIGS: UvitConfig[] = [
  uvitConfig('imagenet256_uvit_huge', {
    name: 'uvit-labels',
    depth: 4,
    hiddenSize: 24,
    heads: 2,
    inputSize: 8,
    numClasses: 5,
  }),
  uvitConfig('mscoco_uvit_small', {
    name: 'uvit-caption',
    depth: 2,
    hiddenSize: 24,
    heads: 3,
    mlpRatio: 2.5,
    inputSize: 8,
    patchSize: 4,
    inChannels: 3,
    captionTokens: 5,
    captionChannels: 10,
  }),
  uvitConfig('cifar10_uvit_small', {
    name: 'uvit-plain',
    depth: 2,
    hiddenSize: 16,
    heads: 2,
    inputSize: 8,
  }),
];

/** A recorded run of the official code, which counts times from 1, with times counted from 0. */
function readRun(name: string): StoredArrays {
  const run = readFixture(name);
  const { shape, data } = arrayOf(run, 'time');
  return new Map(run).set('time', { shape, data: data.map((time) => time - 1) });
}

describe.each(CONFIGS)('the official U-ViT: $name', (config) => {
  const run = readRun(`${config.name}-run`);
  let backbone: Backbone;
  beforeAll(async () => {
    backbone = await loadUvit({ config, source: sourceOf(readFixture(config.name)) });
  });
  afterAll(() => backbone.dispose());

  it('gives the same output', () => expectSameOutput(backbone, run));
  it('gives the same output of every branch', () => expectSameBranches(backbone, run));
});
