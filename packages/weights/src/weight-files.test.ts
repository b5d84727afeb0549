import { describe, expect, it } from 'vitest';
import { findWeights, isWeightFile } from './local-folder.js';

describe('findWeights', () => {
  it.each([
    [['config.json', 'diffusion_pytorch_model.safetensors'], 1],
    [['diffusion_pytorch_model.bin', 'diffusion_pytorch_model.safetensors'], 1],
    [['diffusion_pytorch_model.fp16.safetensors', 'diffusion_pytorch_model.safetensors'], 1],
    [['diffusion_pytorch_model.fp16.safetensors', 'diffusion_pytorch_model.bin'], 1],
    [['config.json', 'model.safetensors'], 1],
    [['config.json', 'pytorch_model.bin'], 1],
    [['model-00001-of-00002.safetensors', 'model.safetensors.index.json'], 1],
    [['pytorch_model-00001-of-00002.bin', 'pytorch_model.bin.index.json'], 1],
    [['a.pt', 'b.safetensors', 'c.pt'], 1],
    [['LICENSE', 'DiT-XL-2-256x256.pt'], 1],
  ])('of %j takes number %i', (files, index) => {
    expect(findWeights({ files })).toBe(files[index]);
  });

  it('takes the variant that is asked for, and no other', () => {
    const files = [
      'diffusion_pytorch_model.safetensors',
      'diffusion_pytorch_model.fp16.safetensors',
      'diffusion_pytorch_model.safetensors.index.bf16.json',
      'diffusion_pytorch_model.bf16-00001-of-00002.safetensors',
    ];
    expect(findWeights({ files, variant: 'fp16' })).toBe(files[1]);
    expect(findWeights({ files, variant: 'bf16' })).toBe(files[2]);
    expect(findWeights({ files, variant: 'ema' })).toBeUndefined();
  });

  it('does not guess', () => {
    expect(findWeights({ files: ['config.json'] })).toBeUndefined();
    expect(findWeights({ files: ['a.safetensors', 'b.safetensors', 'c.pt'] })).toBeUndefined();
    expect(findWeights({ files: ['a.pt', 'b.pt'] })).toBeUndefined();
  });
});

describe('isWeightFile', () => {
  it('goes by the name', () => {
    expect(['x/a.safetensors', 'a.pt', 'a.pth', 'a.bin'].map(isWeightFile)).not.toContain(false);
    expect(['config.json', 'facebook/DiT', 'pt'].map(isWeightFile)).not.toContain(true);
  });
});
