import { expect, it } from 'vitest';
import * as backbones from './index.js';

it('exports this and nothing else', () => {
  expect(Object.keys(backbones).sort()).toEqual([
    'DIT_SIZES',
    'autoencoderKlConfig',
    'classLabels',
    'ditConfig',
    'ditSpec',
    'forward',
    'gelu',
    'groupNorm',
    'layerNorm',
    'linear',
    'loadAutoencoderKl',
    'loadDit',
    'randomAutoencoderKl',
    'randomDit',
    'scaledDotProductAttention',
    'silu',
    'sinCosPosition',
    'timestepEmbedding',
    'timestepFrequencies',
  ]);
});
