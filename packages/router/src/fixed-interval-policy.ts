import type { CachePolicy } from '@harmonica/core';
import { type FixedIntervalScheduleOptions, fixedIntervalSchedule } from './methods/fora.js';
import { schedulePolicy } from './schedule-policy.js';

/**
 * The decisions of {@link fixedIntervalSchedule} as a policy.
 *
 * @throws as {@link fixedIntervalSchedule}.
 */
export function fixedIntervalPolicy(
  options: Omit<FixedIntervalScheduleOptions, 'predictor'>,
): CachePolicy {
  return schedulePolicy({ schedule: fixedIntervalSchedule(options), name: 'fixed-interval' });
}
