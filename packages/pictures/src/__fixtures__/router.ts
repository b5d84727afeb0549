import type { Branch, BranchKind, RouterFile } from '@harmonica/core';

/** Branches of `blocks` blocks, each with the given kinds in order. */
export function branchesOf(blocks: number, kinds: readonly BranchKind[] = ['attention', 'mlp']) {
  return Array.from({ length: blocks }, (_, block) => kinds.map((kind) => ({ block, kind })))
    .flat()
    .map((branch, index): Branch => ({ index, ...branch }));
}

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
  provenance: {
    model: { name: 'fake', sha256: 'a'.repeat(64) },
    sampler: { name: 'ddim', steps: 3, planSha256: 'b'.repeat(64) },
    guidance: { scale: 1.5, channels: 3 },
    latent: { height: 4, width: 4, channels: 4 },
  },
};
