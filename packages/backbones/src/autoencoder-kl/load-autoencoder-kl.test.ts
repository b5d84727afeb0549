import '@tensorflow/tfjs-backend-cpu';
import { CheckpointError } from '@harmonica/core';
import { memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { arrayOf, readFixture, sourceOf } from '../../test/fixture.js';
import { autoencoderKlConfig } from './config.js';
import { loadAutoencoderKl } from './load-autoencoder-kl.js';

const CONFIG = autoencoderKlConfig({
  latentChannels: 3,
  blockOutChannels: [8, 12],
  layersPerBlock: 1,
  normNumGroups: 4,
});
const ARRAYS = readFixture('autoencoder-kl-old-names');

describe('loadAutoencoderKl', () => {
  it('names a missing tensor as current files do', async () => {
    const arrays = new Map(ARRAYS);
    arrays.delete('decoder.mid_block.attentions.0.query.weight');
    const before = memory().numTensors;
    const loading = loadAutoencoderKl({ config: CONFIG, source: sourceOf(arrays) });
    await expect(loading).rejects.toBeInstanceOf(CheckpointError);
    await expect(loading).rejects.toThrowError(
      'decoder.mid_block.attentions.0.to_q.weight is missing',
    );
    expect(memory().numTensors).toBe(before);
  });

  it('refuses one tensor under both of its names', async () => {
    const old = 'decoder.mid_block.attentions.0.key.bias';
    const current = 'decoder.mid_block.attentions.0.to_k.bias';
    const arrays = new Map(ARRAYS).set(current, arrayOf(ARRAYS, old));
    const loading = loadAutoencoderKl({ config: CONFIG, source: sourceOf(arrays) });
    await expect(loading).rejects.toThrowError(`${old} is not a parameter of AutoencoderKL`);
  });
});
