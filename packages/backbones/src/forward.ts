import type { Backbone, NamedTensors } from '@harmonica/core';
import { type Tensor1D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';

export interface ForwardOptions {
  readonly backbone: Backbone;
  /** `[B, H, W, C]`. Not disposed. */
  readonly latent: Tensor4D;
  /** Model time of each sample, `[B]`. Not disposed. */
  readonly time: Tensor1D;
  /** Named conditioning tensors, batch first. Not disposed. */
  readonly condition: NamedTensors;
}

/**
 * Runs a backbone from latent to output with every branch computed, eagerly on the current TensorFlow.js backend.
 *
 * @returns `[B, H, W, outputChannels]`; the caller disposes it
 */
export function forward({ backbone, latent, time, condition }: ForwardOptions): Tensor4D {
  return tidy(() => {
    let stream = backbone.begin(latent, time, condition);
    for (const branch of backbone.spec.branches) {
      const output = backbone.compute(branch, stream);
      stream = { ...stream, state: backbone.merge(branch, stream, output) };
    }
    return backbone.end(stream);
  });
}
