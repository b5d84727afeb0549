import '@tensorflow/tfjs';
import type { Stream } from '@harmonica/core';
import { slice, type Tensor, type Tensor4D, tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { describeBackbone } from '../../test/backbone-contract.js';
import { randomTensor } from '../../test/derivative.js';
import { forward } from '../layers/stream.js';
import { type PixartConfig, pixartConfig } from './pixart-config.js';
import { randomPixart } from './pixart-family.js';

const TOKENS = 4;
const small = {
  depth: 1,
  hiddenSize: 24,
  heads: 2,
  inputSize: 4,
  captionChannels: 6,
  captionTokens: TOKENS,
};
const alpha = pixartConfig('PixArt-XL-2-1024-MS', { ...small, latentWidth: 8 });
const sigma = pixartConfig('PixArt-Sigma-XL-2-1024-MS', {
  ...small,
  kvCompression: { factor: 2, blocks: [0] },
});

const MASKS = [1, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1];

function inputOf(config: PixartConfig, batch: number) {
  const { latentHeight, latentWidth, captionChannels, microConditions } = config;
  const masks = MASKS.slice(0, batch * TOKENS);
  return {
    latent: randomTensor(2, [batch, latentHeight, latentWidth, 4]) as Tensor4D,
    time: tensor1d([800, 20, 3].slice(0, batch)),
    condition: {
      caption: randomTensor(3, [batch, TOKENS, captionChannels]),
      captionMask: tensor(masks, [batch, TOKENS], 'int32'),
      ...(microConditions && {
        resolution: tensor([512, 1024, 640, 640, 1, 2].slice(0, 2 * batch), [batch, 2]),
        aspectRatio: tensor([0.5, 1, 0.5].slice(0, batch), [batch, 1]),
      }),
    },
  };
}

describeBackbone({
  name: 'PixArt-alpha with micro-conditions',
  create: () => randomPixart({ config: alpha, seed: 1 }),
  input: (batch) => inputOf(alpha, batch),
});

describeBackbone({
  name: 'PixArt-Sigma with compressed keys and values',
  create: () => randomPixart({ config: sigma, seed: 1 }),
  input: (batch) => inputOf(sigma, batch),
});

describe('a PixArt', () => {
  const backbone = randomPixart({ config: alpha, seed: 1 });
  const outputWith = (change: Record<string, Tensor>): Float32Array =>
    tidy(() => {
      const { latent, time, condition } = inputOf(alpha, 1);
      const changed = { ...condition, ...change };
      return forward({ backbone, latent, time, condition: changed }).dataSync();
    }) as unknown as Float32Array;

  it('takes no notice of what padding tokens hold', () => {
    const caption = randomTensor(3, [1, TOKENS, 6]);
    const values = caption.dataSync().slice();
    values.fill(9, 3 * 6);
    const padded = outputWith({ caption: tensor(values, [1, TOKENS, 6]) });
    expect(padded).toEqual(outputWith({ caption }));
    values.fill(9, 2 * 6);
    expect(outputWith({ caption: tensor(values, [1, TOKENS, 6]) })).not.toEqual(padded);
  });

  it('stays finite without any token to attend to', () => {
    const captionMask = tensor([0, 0, 0, 0], [1, TOKENS], 'int32');
    expect(outputWith({ captionMask }).every(Number.isFinite)).toBe(true);
  });

  it('follows resolution and aspect ratio', () => {
    const usual = outputWith({});
    expect(outputWith({ resolution: tensor([600, 1024], [1, 2]) })).not.toEqual(usual);
    expect(outputWith({ aspectRatio: tensor([0.6], [1, 1]) })).not.toEqual(usual);
  });

  it('shares one modulation among its blocks', () => {
    tidy(() => {
      const { latent, time, condition } = inputOf(alpha, 2);
      const { context }: Stream = backbone.begin(latent, time, condition);
      const shapes = Object.fromEntries(
        Object.entries(context).map(([name, { shape }]) => [name, shape]),
      );
      expect(shapes).toEqual({
        modulation: [2, 6, 24],
        final: [2, 2, 24],
        caption: [2, TOKENS, 24],
        captionBias: [2, 1, 1, TOKENS],
      });
      const bias = slice(context.captionBias as Tensor, [0, 0, 0, 0], [1, -1, -1, -1]);
      expect([...bias.dataSync()]).toEqual([0, 0, 0, -1e4]);
    });
  });
});
