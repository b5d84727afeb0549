import { type CacheSchedule, InvalidArgumentError } from '@harmonica/core';
import { createSchedule } from '@harmonica/router';

/** Options of {@link spreadSchedule}. */
export interface SpreadScheduleOptions {
  readonly steps: number;
  readonly branches: number;
  /** Share of all calls of branches that are predicted (CUR), in [0, 1 - 1 / steps]. */
  readonly share: number;
}

/**
 * A schedule of a given share, for measurements: what is predicted is spread evenly over all steps but the first and over
 * their branches, other ones from step to step, and held from the last time that it was computed.
 *
 * @returns one with the whole number of predicted calls that is nearest to the share
 * @throws {@link InvalidArgumentError} if the first step would have to be predicted, too
 */
export function spreadSchedule({ steps, branches, share }: SpreadScheduleOptions): CacheSchedule {
  const predicted = Math.round(share * steps * branches);
  const cells = (steps - 1) * branches;
  if (!(predicted >= 0 && predicted <= cells)) {
    const expected = `a number from 0 to ${1 - 1 / steps} for ${steps} steps`;
    throw new InvalidArgumentError({ argument: 'share', value: share, expected });
  }
  const isPredicted = (cell: number) =>
    Math.floor(((cell + 1) * predicted) / cells) > Math.floor((cell * predicted) / cells);
  const decisions = Array.from({ length: steps }, (_, step) =>
    Array.from({ length: branches }, (_, branch) => {
      const turned = (branch + step) % branches;
      return step === 0 || !isPredicted((step - 1) * branches + turned);
    }),
  );
  return createSchedule({ decisions, predictor: 'hold' });
}
