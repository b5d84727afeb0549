import type { Provenance, RouterFile } from '@harmonica/core';

export const provenance: Provenance = {
  model: { name: 'fake', sha256: 'a'.repeat(64) },
  sampler: { name: 'ddim', steps: 3, planSha256: 'b'.repeat(64) },
  guidance: { scale: 1.5, channels: 3 },
  latent: { height: 4, width: 4, channels: 4 },
};

/** A router of 3 steps and 4 branches. */
export const router: RouterFile = {
  version: 1,
  kind: 'router',
  steps: 3,
  branches: 4,
  predictor: 'linear',
  threshold: 0.1,
  logits: [
    [5, 5, 5, -5],
    [-3, 0.25, -2.1, -2.3],
    [1, -5, 2, -1],
  ],
  provenance,
};
