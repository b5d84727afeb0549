import {
  assertArgument,
  assertCount,
  type BranchKind,
  type CacheSchedule,
  type PredictorChoice,
} from '@harmonica/core';
import { z } from 'zod';
import type { PolicyRun } from '../run/dynamic-policy.js';
import { createSchedule, type ScheduleDetails } from '../schedule/schedule.js';
import { cachingMethod, predicting, runOf, wholeNumber } from './method.js';

/** One interval for all branches, or one for each kind; kinds that are not named are computed in every step. */
export type Interval = number | { readonly [Kind in BranchKind]?: number };

/** Options of {@link fixedIntervalSchedule}. */
export interface FixedIntervalScheduleOptions extends PolicyRun, ScheduleDetails {
  /** Every how many steps a branch is computed: integers of at least 1, and 1 computes it in every step. */
  readonly interval: Interval;
  /**
   * Which step the interval counts from. `last` (default) as in FORA: the last step is computed. `first`: steps 0, n,
   * 2n, ... are.
   */
  readonly align?: 'first' | 'last';
  /**
   * How many steps at the start compute everything, an integer in [1, T]. Default 1; a predictor of depth d has all
   * that it reads from the start with d.
   */
  readonly initialSteps?: number;
}

/**
 * Computes a branch every n-th step and predicts it in between: FORA (Selvaraju et al. 2024), which with a step index
 * t that counts down to 0 computes where t = T - 1 or t mod n = 0. An interval per kind of branch gives the schedules
 * of Pyramid Attention Broadcast (Zhao et al. 2024) without its time window.
 *
 * @throws {@link InvalidArgumentError} if a number is outside its range or there is no branch.
 */
export function fixedIntervalSchedule(options: FixedIntervalScheduleOptions): CacheSchedule {
  const { steps, branches, interval, align = 'last', initialSteps = 1 } = options;
  const { predictor, provenance } = options;
  assertCount({ argument: 'steps', value: steps });
  assertCount({ argument: 'initialSteps', value: initialSteps, most: steps });
  const intervals = branches.map(({ kind }) => intervalOf(interval, kind));
  const decisions = Array.from({ length: steps }, (_, step) => {
    const distance = align === 'last' ? steps - 1 - step : step;
    return intervals.map((n) => step < initialSteps || distance % n === 0);
  });
  return createSchedule({ decisions, predictor, provenance });
}

function intervalOf(interval: Interval, kind: BranchKind): number {
  const value = typeof interval === 'number' ? interval : (interval[kind] ?? 1);
  assertCount({
    argument: typeof interval === 'number' ? 'interval' : `interval.${kind}`,
    value,
  });
  return value;
}

/**
 * Where a fixed interval best counts from: `hold` is FORA, which computes the last step and one at the start; forecasting
 * predictors count from the start, after two full steps, so that they have what they read.
 */
export function intervalStart(options: {
  readonly steps: number;
  readonly predictor: PredictorChoice;
}): { readonly align: 'first' | 'last'; readonly initialSteps: number } {
  const { steps, predictor } = options;
  if (predictor === 'hold') return { align: 'last', initialSteps: 1 };
  return { align: 'first', initialSteps: Math.min(steps, 2) };
}

/**
 * {@link fixedIntervalSchedule}, with one interval or one for each kind of branch. By default `hold` is FORA, and a
 * forecasting predictor counts from the start, after two full steps, so that it has what it reads.
 */
export const interval = /* @__PURE__ */ cachingMethod({
  name: 'interval',
  summary: 'every n-th step is computed, or by kind of branch (attention=3,mlp=2)',
  settings: () => ({
    interval: wholeNumber().exactOptional(),
    attention: wholeNumber().exactOptional(),
    crossAttention: wholeNumber().exactOptional(),
    mlp: wholeNumber().exactOptional(),
    align: z.enum(['first', 'last']).exactOptional(),
    initialSteps: wholeNumber().exactOptional(),
    ...predicting(),
  }),
  firstSetting: 'interval',
  make(settings, context) {
    const { attention, crossAttention, mlp, predictor = 'hold' } = settings;
    const kinds = { attention, 'cross-attention': crossAttention, mlp };
    const given = Object.entries(kinds).filter(([, value]) => value !== undefined);
    assertArgument(
      { interval: settings.interval },
      'one interval, or one for some of attention, cross-attention and mlp',
      (settings.interval === undefined) === given.length > 0,
    );
    const run = runOf(context);
    return fixedIntervalSchedule({
      ...run,
      ...intervalStart({ steps: run.steps, predictor }),
      ...settings,
      interval: settings.interval ?? Object.fromEntries(given),
      predictor,
    });
  },
});

/** FORA (Selvaraju et al. 2024): {@link fixedIntervalSchedule} that computes the last step. */
export const fora = /* @__PURE__ */ cachingMethod({
  name: 'fora',
  summary: 'FORA: every n-th step is computed, counted from the last',
  settings: () => ({ interval: wholeNumber(), ...predicting() }),
  firstSetting: 'interval',
  make: (settings, context) => fixedIntervalSchedule({ ...settings, ...runOf(context) }),
});
