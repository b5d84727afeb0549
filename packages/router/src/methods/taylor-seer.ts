import { assertArgument, assertCount, type CacheSchedule } from '@harmonica/core';
import { predictorNames } from '../predictors.js';
import type { PolicyRun } from '../run/dynamic-policy.js';
import { createSchedule, type ScheduleDetails } from '../schedule/schedule.js';
import { cachingMethod, runOf, wholeNumber } from './method.js';

/** Options of {@link taylorSeerSchedule}. */
export interface TaylorSeerScheduleOptions extends PolicyRun, ScheduleDetails {
  /** Every how many steps everything is computed, an integer of at least 1. Default 4; diffusers has 5. */
  readonly interval?: number;
  /** Steps at the start that compute everything, an integer in [1, T]. Default 2; diffusers has 3. */
  readonly warmUp?: number;
  /**
   * A step that the interval counts from, in both directions. Default `warmUp - 1`, as in the official code; diffusers
   * has `warmUp + 1`.
   */
  readonly anchor?: number;
  /** First of the steps at the end that compute everything. Default T, which is none. */
  readonly fullFrom?: number;
}

/**
 * When TaylorSeer computes (Liu et al. 2025, arXiv 2503.06923): a warm-up, then every `interval`-th step. What it
 * predicts with are the predictors `taylor-0`, which is reuse, to `taylor-8`; the paper's settings for DiT have `taylor-4`.
 *
 * @throws {@link InvalidArgumentError} if a number is outside its range or there is no branch.
 */
export function taylorSeerSchedule(options: TaylorSeerScheduleOptions): CacheSchedule {
  const { steps, branches, interval = 4, warmUp = 2, predictor, provenance } = options;
  const { anchor = warmUp - 1, fullFrom = steps } = options;
  assertCount({ argument: 'steps', value: steps });
  assertCount({ argument: 'interval', value: interval });
  assertCount({ argument: 'warmUp', value: warmUp, most: steps });
  assertCount({ argument: 'anchor', value: anchor, least: 0 });
  assertCount({ argument: 'fullFrom', value: fullFrom, least: 0, most: steps });
  const decisions = Array.from({ length: steps }, (_, step) => {
    const full = step < warmUp || (step - anchor) % interval === 0 || step >= fullFrom;
    return branches.map(() => full);
  });
  return createSchedule({ decisions, predictor, provenance });
}

/** {@link taylorSeerSchedule} with the predictor of its order. */
export const taylorSeer = /* @__PURE__ */ cachingMethod({
  name: 'taylorseer',
  summary: 'TaylorSeer: a Taylor polynomial in between every n-th step',
  settings: () => ({
    interval: wholeNumber().exactOptional(),
    /** Of the predictor `taylor-<order>`, an integer from 0, which is reuse, to 8. Default 4, as in the paper. */
    order: wholeNumber().exactOptional(),
    warmUp: wholeNumber().exactOptional(),
    anchor: wholeNumber().exactOptional(),
    fullFrom: wholeNumber().exactOptional(),
  }),
  make({ order = 4, ...settings }, context) {
    const predictor = `taylor-${order}`;
    assertArgument({ order }, 'an integer from 0 to 8', predictorNames().includes(predictor));
    return taylorSeerSchedule({ ...settings, ...runOf(context), predictor });
  },
});
