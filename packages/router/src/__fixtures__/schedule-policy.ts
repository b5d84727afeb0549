import type { CachePolicy, CacheSchedule } from '@harmonica/core';

/** Decides as a schedule says, but on the way. */
export function schedulePolicy(schedule: CacheSchedule): CachePolicy {
  return {
    name: 'schedule',
    decide: (step, { index }) => (schedule.table[step]?.[index] === '0' ? 'predict' : 'compute'),
  };
}
