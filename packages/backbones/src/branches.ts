import type { Branch, BranchKind } from '@harmonica/core';

export interface BlockBranchesOptions {
  readonly blocks: number;
  /** The branches of one block, in the order they run. */
  readonly kinds: readonly BranchKind[];
}

/** The branches of equal blocks, numbered in the order they run. */
export function blockBranches({ blocks, kinds }: BlockBranchesOptions): Branch[] {
  return Array.from({ length: blocks }, (_, block) => kinds.map((kind) => ({ block, kind })))
    .flat()
    .map((branch, index) => ({ index, ...branch }));
}
