import type { RouterFile } from '@harmonica/core';

/** Logits or scores of a router, `[T][N]`: a row per step (row 0 is executed first), a column per branch. */
export type StepMatrix = readonly (readonly number[])[];

/**
 * The scores s = sigmoid(logit) of a router, each in (0, 1): 1 computes a branch, 0 predicts it, and training blends
 * the two in proportion (HarmoniCa, 2024).
 *
 * @returns `[T][N]`
 */
export function routerScores({ logits }: Pick<RouterFile, 'logits'>): StepMatrix {
  return logits.map((row) => row.map(sigmoid));
}

/** `1 / (1 + exp(-x))`. */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
