import { describe, expect, it } from 'vitest';
import { DIT_XL_2_256, DIT_XL_2_512 } from '../../test/published-configs.js';
import { ditConfig } from './dit.js';
import { ditConfigOf } from './dit-family.js';

describe('ditConfigOf', () => {
  it('reads the published models', () => {
    expect(ditConfigOf(DIT_XL_2_256)).toEqual(ditConfig('DiT-XL/2'));
    expect(ditConfigOf(DIT_XL_2_512)).toEqual(ditConfig('DiT-XL/2', { inputSize: 64 }));
  });

  it('reads what current versions write, and any size', () => {
    const json = {
      ...DIT_XL_2_256,
      _class_name: 'DiTTransformer2DModel',
      num_layers: 3,
      num_embeds_ada_norm: 10,
      out_channels: null,
      norm_eps: 1e-5,
    };
    const expected = { name: 'DiT', depth: 3, numClasses: 10, learnSigma: false };
    expect(ditConfigOf(json)).toEqual(ditConfig('DiT-XL/2', expected));
    expect(ditConfigOf(json, { name: 'mine' }).name).toBe('mine');
  });

  it.each([
    ['norm_type', 'ada_norm_single'],
    ['activation_fn', 'geglu'],
    ['attention_bias', false],
    ['norm_elementwise_affine', true],
    ['cross_attention_dim', 1152],
    ['double_self_attention', true],
    ['num_vector_embeds', 512],
    ['qk_norm', 'rms_norm'],
  ])('refuses %s %j, which is another architecture', (key, value) => {
    const read = () => ditConfigOf({ ...DIT_XL_2_256, [key]: value });
    expect(read).toThrow(`${key}: is ${JSON.stringify(value)}; only `);
    expect(read).toThrow(/^the configuration of Transformer2DModel is not valid/);
  });

  it('names every setting that is missing or malformed', () => {
    const { num_layers: _, ...rest } = DIT_XL_2_256;
    expect(() => ditConfigOf({ ...rest, patch_size: 0, attention_head_dim: '72' })).toThrow(
      'attention_head_dim: is "72"; expected a positive integer; ' +
        'num_layers: is missing; expected a positive integer; ' +
        'patch_size: is 0; expected a positive integer.',
    );
    expect(() => ditConfigOf({ ...DIT_XL_2_256, out_channels: 7 })).toThrow(
      'out_channels: is 7; expected in_channels 4, or twice as many',
    );
    expect(() => ditConfigOf({ ...DIT_XL_2_256, sample_size: 33 })).toThrow(
      /multiple of patchSize/,
    );
  });
});
