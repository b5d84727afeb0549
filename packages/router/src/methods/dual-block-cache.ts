import { assertArgument, assertCount, type Branch } from '@harmonica/core';
import { z } from 'zod';
import { type DynamicPolicy, decideWholeSteps, type StepDecider } from '../run/dynamic-policy.js';
import { assertThreshold, blockCount, cachingMethod, predicting, wholeNumber } from './method.js';
import { integersIn } from './pab.js';

/** When {@link dualBlockCachePolicy} predicts. */
export interface DualBlockCacheLimits {
  /**
   * Predicts while the change is below this. At 1 or more it predicts whatever the change, at 0 never. Default 0.08.
   */
  readonly threshold?: number;
  /** Steps at the start that compute everything, an integer of at least 0. Default 8. */
  readonly warmUp?: number;
  /** Most steps predicted in a run, an integer of at least 0. Default no limit. */
  readonly maxCached?: number;
  /**
   * Most steps predicted in a row, an integer of at least 0. Default no limit. Counted as cache-dit counts: a row that is
   * broken by a change above the threshold goes on where it stopped, until the limit starts it anew.
   */
  readonly maxConsecutive?: number;
  /**
   * The sum of the changes seen in a run from which on everything is computed, above 0. Default no limit. Counted as
   * cache-dit counts: changes above the threshold are part of it, and it never starts anew.
   */
  readonly maxAccumulated?: number;
  /** Steps that compute everything whatever the change, counted from 0: cache-dit's mask. Default none. */
  readonly computedSteps?: readonly number[];
}

/** Options of {@link dualBlockCachePolicy}. */
export interface DualBlockCacheOptions extends DualBlockCacheLimits {
  /** Blocks at the front that are computed in every step and tell how much has changed, F_n >= 1. Default 8. */
  readonly frontBlocks?: number;
  /** Blocks at the back that are computed in every step, B_n >= 0. Default 0. */
  readonly backBlocks?: number;
}

/**
 * DBCache (the library cache-dit; its defaults): computes the front blocks in every step, and predicts those between
 * front and back while what the front blocks add to the tokens has changed little since the last full step.
 *
 * cache-dit then adds what the blocks in between added in the last full step; here each of their branches is predicted
 * by itself, and joins with the gate of its step.
 *
 * @throws {@link InvalidArgumentError} if a number is outside its range, or, when a run starts, front and back leave no
 * block between them.
 */
export function dualBlockCachePolicy(options: DualBlockCacheOptions = {}): DynamicPolicy {
  const { frontBlocks = 8, backBlocks = 0, ...limits } = options;
  const name = 'dual-block-cache';
  assertCount({ argument: 'frontBlocks', value: frontBlocks });
  assertCount({ argument: 'backBlocks', value: backBlocks, least: 0 });
  dualBlockDecider(limits);
  return {
    name,
    start({ branches }) {
      const branch = firstBranchAfter({ branches, frontBlocks, backBlocks });
      const firstBack = blockCount(branches) - backBlocks;
      return decideWholeSteps({
        name,
        watch: { signal: 'residual', branch, since: 'last-full-step' },
        isAlwaysComputed: ({ block }) => block < frontBlocks || block >= firstBack,
        decideStep: dualBlockDecider(limits),
      });
    },
  };
}

/** The decisions of DBCache from the changes alone. @internal */
export function dualBlockDecider(limits: DualBlockCacheLimits): StepDecider {
  const { threshold = 0.08, warmUp = 8, maxCached = Infinity, maxConsecutive = Infinity } = limits;
  const { maxAccumulated = Infinity, computedSteps = [] } = limits;
  assertThreshold(threshold);
  assertCount({ argument: 'warmUp', value: warmUp, least: 0 });
  if (maxCached !== Infinity) assertCount({ argument: 'maxCached', value: maxCached, least: 0 });
  if (maxConsecutive !== Infinity) {
    assertCount({ argument: 'maxConsecutive', value: maxConsecutive, least: 0 });
  }
  assertArgument({ maxAccumulated }, 'a sum of relative changes above 0', maxAccumulated > 0);
  for (const value of computedSteps) assertCount({ argument: 'computedSteps', value, least: 0 });
  const alwaysComputed = new Set(computedSteps);
  let cached = 0;
  let row = 0;
  let accumulated = 0;
  let latest: number | undefined;
  return (step, { change = Infinity }) => {
    if (step < warmUp || alwaysComputed.has(step) || cached >= maxCached) return 'compute';
    if (row >= maxConsecutive) {
      row = 0;
      return 'compute';
    }
    if (accumulated >= maxAccumulated) return 'compute';
    if (threshold < 1) {
      if (Number.isFinite(change)) accumulated += change;
      if (!(change < threshold)) return 'compute';
    }
    if (latest === undefined) row = 1;
    else if (step - latest === 1) row = Math.max(2, row + 1);
    latest = step;
    cached += 1;
    return 'predict';
  };
}

/** Index of the first branch after the front blocks. @internal */
export function firstBranchAfter(options: {
  readonly branches: readonly Branch[];
  readonly frontBlocks: number;
  readonly backBlocks: number;
}): number {
  const { branches, frontBlocks, backBlocks } = options;
  const blocks = blockCount(branches);
  assertArgument(
    { 'frontBlocks and backBlocks': [frontBlocks, backBlocks] },
    `fewer than the model's ${blocks} blocks together`,
    frontBlocks + backBlocks < blocks,
  );
  return branches.findIndex(({ block }) => block >= frontBlocks);
}

/** {@link dualBlockCachePolicy}. */
export const dualBlockCache = /* @__PURE__ */ cachingMethod({
  name: 'dbcache',
  summary: 'DBCache: the middle blocks are predicted while the front ones change little',
  settings: () => ({
    frontBlocks: wholeNumber().exactOptional(),
    backBlocks: wholeNumber().exactOptional(),
    threshold: z.number().exactOptional(),
    warmUp: wholeNumber().exactOptional(),
    maxCached: wholeNumber().exactOptional(),
    maxConsecutive: wholeNumber().exactOptional(),
    maxAccumulated: z.number().exactOptional(),
    /** Steps that compute everything whatever the change, counted from 0, with slashes between: `0-7/12`. Default none. */
    computedSteps: z.string().exactOptional(),
    ...predicting(),
  }),
  make({ computedSteps: text, ...settings }) {
    const computedSteps =
      text === undefined ? [] : integersIn({ argument: 'computed-steps', text });
    return dualBlockCachePolicy({ ...settings, computedSteps });
  },
});
