import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { branchesOf } from './__fixtures__/branches.js';
import { allComputeSchedule } from './all-compute-schedule.js';

describe('allComputeSchedule', () => {
  it('computes everything', () => {
    const schedule = allComputeSchedule({ steps: 3, branches: branchesOf(2) });
    expect(schedule).toMatchObject({ steps: 3, branches: 4, table: ['1111', '1111', '1111'] });
  });

  it('refuses no steps and no branches', () => {
    expect(() => allComputeSchedule({ steps: 0, branches: branchesOf(1) })).toThrow(
      InvalidArgumentError,
    );
    expect(() => allComputeSchedule({ steps: 2, branches: [] })).toThrow(InvalidArgumentError);
  });
});
