import '@tensorflow/tfjs-backend-cpu';
import { assertCondition, InvalidArgumentError, ShapeError } from '@harmonica/core';
import { ones, type Tensor2D, type Tensor3D, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ditConfig, ditSpec } from '../dit/dit.js';
import { pixartSpec } from '../pixart/pixart.js';
import { pixartConfig } from '../pixart/pixart-config.js';
import { uvitSpec } from '../uvit/uvit.js';
import { uvitConfig } from '../uvit/uvit-config.js';
import { captionCondition } from './captions.js';

const spec = pixartSpec(
  pixartConfig('PixArt-XL-2-1024-MS', {
    latentHeight: 96,
    latentWidth: 160,
    captionTokens: 3,
    captionChannels: 2,
  }),
);
const prompts = (batch: number, tokens: number, channels: number) => ({
  embeddings: ones([batch, tokens, channels]) as Tensor3D,
  mask: ones([batch, tokens], 'int32') as Tensor2D,
});

describe('captionCondition', () => {
  it('pads captions, and gives the size of the image to a PixArt that asks for it', () => {
    tidy(() => {
      const condition = captionCondition({ spec, prompts: prompts(2, 2, 2) });
      assertCondition(spec, condition, 2);
      const values = Object.entries(condition).map(([name, each]) => [name, [...each.dataSync()]]);
      expect(Object.fromEntries(values)).toEqual({
        caption: [1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0],
        captionMask: [1, 1, 0, 1, 1, 0],
        resolution: [768, 1280, 768, 1280],
        aspectRatio: [0.6, 0.6].map(Math.fround),
      });
      const imageSize = { height: 512, width: 1024 };
      const { resolution } = captionCondition({ spec, prompts: prompts(1, 3, 2), imageSize });
      expect([...(resolution?.dataSync() ?? [])]).toEqual([512, 1024]);
    });
  });

  it('gives a U-ViT its captions alone', () => {
    const uvit = uvitSpec(
      uvitConfig('mscoco_uvit_small', { captionTokens: 3, captionChannels: 2 }),
    );
    tidy(() => {
      const condition = captionCondition({ spec: uvit, prompts: prompts(2, 3, 2) });
      assertCondition(uvit, condition, 2);
      expect(Object.keys(condition)).toEqual(['caption']);
    });
  });

  it('refuses captions that do not fit, and backbones that take none', () => {
    tidy(() => {
      for (const misfit of [prompts(1, 4, 2), prompts(1, 3, 5)]) {
        expect(() => captionCondition({ spec, prompts: misfit })).toThrowError(ShapeError);
      }
      const { embeddings } = prompts(1, 3, 2);
      const { mask } = prompts(1, 2, 2);
      const call = () => captionCondition({ spec, prompts: { embeddings, mask } });
      expect(call).toThrowError(/prompts\.mask has shape \[1, 2\]/);
      const dit = ditSpec(ditConfig('DiT-S/2'));
      const other = () => captionCondition({ spec: dit, prompts: prompts(1, 3, 2) });
      expect(other).toThrowError(InvalidArgumentError);
    });
  });
});
