import { type CachePolicy, InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { branchesOf } from './__fixtures__/branches.js';
import { fixedIntervalPolicy } from './fixed-interval-policy.js';
import { fixedIntervalSchedule } from './methods/fora.js';
import { noCachePolicy } from './no-cache-policy.js';
import { createSchedule } from './schedule/schedule.js';
import { schedulePolicy } from './schedule-policy.js';

const branches = branchesOf(2);

/** The table that a policy would write. */
const tableOf = (policy: CachePolicy, steps: number) =>
  Array.from({ length: steps }, (_, step) =>
    branches.map((branch) => (policy.decide(step, branch, {}) === 'compute' ? '1' : '0')).join(''),
  );

describe('policies', () => {
  it('none computes everything', () => {
    expect(tableOf(noCachePolicy, 2)).toEqual(['1111', '1111']);
  });

  it('a schedule policy decides as its table says', () => {
    const schedule = createSchedule({
      decisions: [
        [true, true, true, true],
        [false, true, true, false],
      ],
    });
    const policy = schedulePolicy({ schedule, name: 'learned' });
    expect(policy.name).toBe('learned');
    expect(tableOf(policy, 2)).toEqual(['1111', '0110']);
    expect(() => tableOf(policy, 3)).toThrow(InvalidArgumentError);
  });

  it('a fixed interval policy decides as its schedule says', () => {
    const options = { steps: 7, branches, interval: { attention: 2, mlp: 3 }, initialSteps: 2 };
    expect(tableOf(fixedIntervalPolicy(options), 7)).toEqual(fixedIntervalSchedule(options).table);
  });
});
