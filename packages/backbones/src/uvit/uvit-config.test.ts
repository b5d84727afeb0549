import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import {
  assertUvitConfig,
  type UvitConfig,
  type UvitModel,
  uvitBlockName,
  uvitConfig,
} from './uvit-config.js';

describe('uvitConfig', () => {
  it('gives the ImageNet 256 x 256 model of the largest size', () => {
    expect(uvitConfig('imagenet256_uvit_huge')).toEqual({
      name: 'U-ViT-H/2',
      depth: 28,
      hiddenSize: 1152,
      heads: 16,
      patchSize: 2,
      mlpRatio: 4,
      inputSize: 32,
      inChannels: 4,
      numClasses: 1000,
      nullClass: true,
      captionTokens: 0,
      captionChannels: 0,
      finalConvolution: false,
    });
  });

  it('names blocks before, in and after the middle', () => {
    const names = Array.from({ length: 5 }, (_, block) => uvitBlockName({ depth: 4 }, block));
    expect(names).toEqual([
      'in_blocks.0',
      'in_blocks.1',
      'mid_block',
      'out_blocks.0',
      'out_blocks.1',
    ]);
  });

  it('refuses an unknown model, naming those it knows', () => {
    expect(() => uvitConfig('uvit' as UvitModel)).toThrowError(/one of cifar10_uvit_small,/);
  });
});

describe('assertUvitConfig', () => {
  it.each([
    ['depth', { depth: 13 }],
    ['hiddenSize', { hiddenSize: 7, heads: 7 }],
    ['heads', { heads: 5 }],
    ['inputSize', { inputSize: 31 }],
    ['numClasses', { numClasses: -1 }],
    ['mlpRatio', { mlpRatio: 0 }],
    ['nullClass', { numClasses: 0 }],
    ['captionTokens', { captionTokens: 3, captionChannels: 4 }],
    ['captionChannels', { numClasses: 0, nullClass: false, captionTokens: 3 }],
  ] satisfies [string, Partial<UvitConfig>][])('names %s in %o', (field, fault) => {
    const check = () => assertUvitConfig({ ...uvitConfig('imagenet256_uvit_huge'), ...fault });
    expect(check).toThrowError(InvalidArgumentError);
    expect(check).toThrowError(`config.${field} is`);
  });
});
