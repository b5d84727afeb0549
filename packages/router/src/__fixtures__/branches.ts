import type { BackboneSpec, Branch, BranchKind } from '@harmonica/core';

/** Branches of `blocks` blocks, each with the given kinds in order. */
export function branchesOf(blocks: number, kinds: readonly BranchKind[] = ['attention', 'mlp']) {
  return Array.from({ length: blocks }, (_, block) => kinds.map((kind) => ({ block, kind })))
    .flat()
    .map((branch, index): Branch => ({ index, ...branch }));
}

/** A spec of 4 x 4 x 4 latents, 16 tokens of width 8, attention 100 and MLP 200 MACs. */
export function specOf(branches: readonly Branch[]): BackboneSpec {
  return {
    name: 'fake',
    latent: { height: 4, width: 4, channels: 4 },
    outputChannels: 8,
    prediction: 'epsilon',
    tokens: { count: 16, width: 8 },
    condition: [],
    branches,
    macs: {
      begin: 20,
      branches: branches.map(({ kind }) => (kind === 'mlp' ? 200 : 100)),
      end: 30,
    },
  };
}
