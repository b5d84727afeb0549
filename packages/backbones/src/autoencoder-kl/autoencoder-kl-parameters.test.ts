import { expect, it } from 'vitest';
import { autoencoderKlConfig } from './config.js';
import { autoencoderKlParameters } from './load-autoencoder-kl.js';

it('lists what sd-vae-ft-ema holds: 248 tensors, 83,653,863 numbers', () => {
  const parameters = autoencoderKlParameters(autoencoderKlConfig());
  const sizes = parameters.map(({ shape }) => shape.reduce((a, b) => a * b));
  expect(parameters).toHaveLength(248);
  expect(sizes.reduce((a, b) => a + b)).toBe(83_653_863);
});

it('knows the attention of older files by its names and shapes', () => {
  const parameters = autoencoderKlParameters(autoencoderKlConfig());
  const find = (name: string) => parameters.find((parameter) => parameter.name === name);
  expect(find('encoder.mid_block.attentions.0.to_q.weight')).toMatchObject({
    stored: [
      {
        names: [
          'encoder.mid_block.attentions.0.to_q.weight',
          'encoder.mid_block.attentions.0.query.weight',
        ],
        shapes: [
          [512, 512],
          [512, 512, 1, 1],
        ],
      },
    ],
  });
  expect(find('decoder.mid_block.attentions.0.to_out.0.bias')).toMatchObject({
    stored: [
      {
        names: [
          'decoder.mid_block.attentions.0.to_out.0.bias',
          'decoder.mid_block.attentions.0.proj_attn.bias',
        ],
        shapes: [[512]],
      },
    ],
  });
});
