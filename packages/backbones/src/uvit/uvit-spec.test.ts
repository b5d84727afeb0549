import { describe, expect, it } from 'vitest';
import { expectCounted, published, sizeOf } from '../../test/published.js';
import { uvitSpec } from './uvit.js';
import { UVIT_MODELS, uvitConfig, uvitSizes } from './uvit-config.js';
import { uvitParameters } from './uvit-family.js';

describe('uvitSpec', () => {
  it.each(UVIT_MODELS)('costs what the official code does: %s', (model) => {
    const config = uvitConfig(model);
    const { extras, patchInputs } = uvitSizes(config);
    // The official code also runs the last layer on the extra tokens, and drops what comes of it.
    expectCounted(uvitSpec(config), model, extras * config.hiddenSize * patchInputs);
  });

  it('describes a model with labels, as plain JSON', () => {
    const spec = uvitSpec(uvitConfig('imagenet256_uvit_huge'));
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
    expect(spec).toMatchObject({
      name: 'U-ViT-H/2',
      latent: { height: 32, width: 32, channels: 4 },
      outputChannels: 4,
      prediction: 'epsilon',
      tokens: { count: 258, width: 1152 },
      condition: [{ name: 'labels', dtype: 'int32', shape: [] }],
      nullCondition: { labels: [1000] },
    });
    expect(spec.branches).toHaveLength(58);
    expect(spec.branches.at(-1)).toEqual({ index: 57, block: 28, kind: 'mlp' });
  });

  it('describes models with captions, with labels but no null class, and without condition', () => {
    const { condition, tokens, nullCondition } = uvitSpec(uvitConfig('mscoco_uvit_small'));
    expect(condition).toEqual([{ name: 'caption', dtype: 'float32', shape: [77, 768] }]);
    expect(tokens.count).toBe(1 + 77 + 256);
    expect(nullCondition).toBeUndefined();
    expect(uvitSpec(uvitConfig('imagenet64_uvit_mid')).nullCondition).toBeUndefined();
    expect(uvitSpec(uvitConfig('cifar10_uvit_small')).condition).toEqual([]);
  });
});

describe('uvitParameters', () => {
  it.each(UVIT_MODELS)('lists as many numbers as the official code: %s', (model) => {
    expect(sizeOf(uvitParameters(uvitConfig(model)))).toBe(published(model).parameters);
  });
});
