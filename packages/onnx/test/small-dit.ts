import { randomDit } from '@harmonica/backbones';
import type { Backbone } from '@harmonica/core';

/** A DiT of two blocks with random weights, small enough to be held to every case. The caller disposes it. */
export function smallDit(seed = 3): Backbone {
  return randomDit({
    seed,
    config: {
      name: 'small',
      depth: 2,
      hiddenSize: 16,
      heads: 2,
      patchSize: 2,
      mlpRatio: 4,
      inputSize: 4,
      inChannels: 4,
      numClasses: 3,
      learnSigma: true,
    },
  });
}
