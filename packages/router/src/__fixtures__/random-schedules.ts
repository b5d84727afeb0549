import { createSchedule } from '../schedule/schedule.js';
import { PREDICTOR_NAMES, type CacheSchedule } from '@harmonica/core';
import fc from 'fast-check';

/** Schedules of up to 12 steps and 6 branches, with any decisions after step 0. */
export function randomSchedules(options: { readonly branches?: number } = {}) {
  const predictors = fc.constantFrom(...PREDICTOR_NAMES);
  return fc
    .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 6 }), predictors)
    .chain(([steps, randomBranches, predictor]) => {
      const branches = options.branches ?? randomBranches;
      const row = fc.array(fc.boolean(), { minLength: branches, maxLength: branches });
      const later = fc.array(row, { minLength: steps - 1, maxLength: steps - 1 });
      return later.map((rows): CacheSchedule => {
        const first = new Array<boolean>(branches).fill(true);
        return createSchedule({ decisions: [first, ...rows], predictor });
      });
    });
}
