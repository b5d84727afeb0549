import { type CachePolicy, type CacheSchedule, InvalidArgumentError } from '@harmonica/core';

/**
 * Decides as a schedule says: a learned router's, a fixed interval's or any other that was written down.
 *
 * Runs faster through `withCache`, which knows the whole schedule before the first step; as a policy it can be compared
 * with, or wrapped by, policies that decide while the run goes on.
 *
 * @param options `name` is for people. Default `schedule`.
 */
export function schedulePolicy(options: {
  readonly schedule: CacheSchedule;
  readonly name?: string;
}): CachePolicy {
  const { schedule, name = 'schedule' } = options;
  return {
    name,
    decide(step, branch) {
      const decision = schedule.table[step]?.[branch.index];
      if (decision === undefined) {
        throw new InvalidArgumentError({
          argument: 'step and branch',
          value: [step, branch.index],
          expected: `a step below ${schedule.steps} and a branch below ${schedule.branches}`,
          fix: 'Use a schedule made for this model and number of steps.',
        });
      }
      return decision === '1' ? 'compute' : 'predict';
    },
  };
}
