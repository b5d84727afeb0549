import { assertArgument, assertCount, type CacheSchedule, type Rng } from '@harmonica/core';
import { type StepMatrix, scheduleDecisions } from './schedule.js';

/** Logit of step 0, which always computes everything and is never trained (HarmoniCa's official code). */
export const FIRST_STEP_LOGIT = 5;

/** Size of a router: T steps and N branches, integers of at least 1. */
export interface RouterSize {
  readonly steps: number;
  readonly branches: number;
}

/**
 * Logits to start training from: independent N(0, 1), as HarmoniCa and Learning-to-Cache do, with step 0 at
 * {@link FIRST_STEP_LOGIT}.
 *
 * @param options `rng` is drawn from row by row, step 1 first.
 * @returns `[T][N]`
 * @throws {@link InvalidArgumentError} if a size is not an integer of at least 1.
 */
export function normalLogits(options: RouterSize & { readonly rng: Rng }): StepMatrix {
  const { rng } = options;
  return rows(options, (_step, branches) => Array.from(rng.fillNormal(new Float32Array(branches))));
}

/**
 * Logits to start training from: one value everywhere, with step 0 at {@link FIRST_STEP_LOGIT}.
 *
 * @returns `[T][N]`
 * @throws {@link InvalidArgumentError} if a size is not an integer of at least 1 or the value is not finite.
 */
export function constantLogits(options: RouterSize & { readonly value: number }): StepMatrix {
  const { value } = options;
  assertArgument({ value }, 'a finite number', Number.isFinite(value));
  return rows(options, (_step, branches) => new Array<number>(branches).fill(value));
}

/** Options of {@link logitsFromSchedule}. */
export interface LogitsFromScheduleOptions {
  readonly schedule: CacheSchedule;
  /** Logit where the schedule computes. Default 3, a score of 0.953. */
  readonly computed?: number;
  /** Logit where it predicts. Default -3, a score of 0.047: below the paper's threshold of 0.1. */
  readonly predicted?: number;
}

/**
 * Logits to start training from that stand for a schedule already, such as a fixed interval; step 0 is at
 * {@link FIRST_STEP_LOGIT}.
 *
 * @returns `[T][N]`
 * @throws {@link InvalidArgumentError} if a logit is not finite or `computed` is not above `predicted`.
 */
export function logitsFromSchedule(options: LogitsFromScheduleOptions): StepMatrix {
  const { schedule, computed = 3, predicted = -3 } = options;
  assertArgument({ computed }, 'a finite number', Number.isFinite(computed));
  assertArgument({ predicted }, 'a finite number', Number.isFinite(predicted));
  const expected = `a logit above that of predicted branches (${predicted})`;
  assertArgument({ computed }, expected, computed > predicted);
  const decisions = scheduleDecisions(schedule);
  return rows(schedule, (step) =>
    (decisions[step] ?? []).map((compute) => (compute ? computed : predicted)),
  );
}

function rows(
  { steps, branches }: RouterSize,
  row: (step: number, branches: number) => readonly number[],
): StepMatrix {
  assertCount({ argument: 'steps', value: steps });
  assertCount({ argument: 'branches', value: branches });
  return Array.from({ length: steps }, (_, step) =>
    step === 0 ? new Array<number>(branches).fill(FIRST_STEP_LOGIT) : row(step, branches),
  );
}
