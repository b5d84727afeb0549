import { assertCount, type Branch, type CacheSchedule } from '@harmonica/core';
import type { PolicyRun } from '../run/dynamic-policy.js';
import { createSchedule, type ScheduleDetails } from '../schedule/schedule.js';
import { blockCount, cachingMethod, predicting, runOf, wholeNumber } from './method.js';

/** Options of {@link deltaDitSchedule}. */
export interface DeltaDitScheduleOptions extends PolicyRun, ScheduleDetails {
  /**
   * Where the early stage ends, an integer in [0, T]: with t counting down from T - 1, steps with t > b predict the rear
   * blocks, the others the front ones. The paper's results for 20 steps are quoted with 12.
   */
  readonly boundary: number;
  /** How many blocks a step predicts, N_c, an integer from 1 to the number of blocks. */
  readonly cachedBlocks: number;
  /** Every how many steps of a stage everything is computed, an integer of at least 1. Default 2. */
  readonly interval?: number;
}

/**
 * Delta-DiT (Chen et al. 2024, arXiv 2406.01125): early steps, which draw outlines, predict the rear blocks; late steps,
 * which draw details, predict the front ones. The first step of each stage computes everything.
 *
 * The paper holds the sum of what the range of blocks adds to the tokens, gates included; here each branch output of the
 * range is held, and joins with the gate of its step. There is no official code; decisions follow the paper.
 *
 * @throws {@link InvalidArgumentError} if a number is outside its range or there is no branch.
 */
export function deltaDitSchedule(options: DeltaDitScheduleOptions): CacheSchedule {
  const { steps, branches, boundary, cachedBlocks, interval = 2, predictor, provenance } = options;
  const blocks = blockCount(branches);
  assertCount({ argument: 'steps', value: steps });
  assertCount({ argument: 'boundary', value: boundary, least: 0, most: steps });
  assertCount({ argument: 'cachedBlocks', value: cachedBlocks, most: blocks });
  assertCount({ argument: 'interval', value: interval });
  const earlySteps = Math.max(0, steps - 1 - boundary);
  const decisions = Array.from({ length: steps }, (_, step) => {
    const early = step < earlySteps;
    const full = (early ? step : step - earlySteps) % interval === 0;
    const cached = ({ block }: Branch) =>
      early ? block >= blocks - cachedBlocks : block < cachedBlocks;
    return branches.map((branch) => full || !cached(branch));
  });
  return createSchedule({ decisions, predictor, provenance });
}

/** {@link deltaDitSchedule}. */
export const deltaDit = /* @__PURE__ */ cachingMethod({
  name: 'delta-dit',
  summary: 'Delta-DiT: early steps predict the rear blocks, late ones the front blocks',
  settings: () => ({
    boundary: wholeNumber(),
    cachedBlocks: wholeNumber(),
    interval: wholeNumber().exactOptional(),
    ...predicting(),
  }),
  make: (settings, context) => deltaDitSchedule({ ...settings, ...runOf(context) }),
});
