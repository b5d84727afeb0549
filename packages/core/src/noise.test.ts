import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import { createNoise } from './noise.js';
import { createRng } from './rng.js';

const latent = { height: 2, width: 3, channels: 4 };

describe('createNoise', () => {
  it('gives an image the same noise in any batch', () => {
    const [alone] = [
      createNoise({ seeds: [9], latent })
        .initial()
        .arraySync(),
    ];
    const together = createNoise({ seeds: [4, 9], latent })
      .initial()
      .arraySync();
    expect(together[1]).toEqual(alone[0]);
  });

  it('draws the initial latent from stream 0 and step i from stream i + 1', () => {
    const noise = createNoise({ seeds: [5], latent });
    for (const [tensor, stream] of [
      [noise.initial(), 0],
      [noise.step(0), 1],
      [noise.step(7), 8],
    ] as const) {
      const expected = createRng({ seed: 5, stream }).fillNormal(new Float32Array(24));
      expect(tensor.dataSync()).toEqual(expected);
    }
  });

  it('refuses an empty list of seeds', () => {
    expect(() => createNoise({ seeds: [], latent })).toThrowError(/at least one seed/);
  });
});
