import { IncompatibleError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { branchesOf } from '../__fixtures__/branches.js';
import { cacheStatistics } from './cost-model.js';
import { createSchedule } from './schedule.js';

const schedule = createSchedule({
  decisions: [
    [true, true, true, true],
    [false, true, false, false],
    [true, false, false, true],
  ],
});

describe('cacheStatistics', () => {
  it('counts in all, by kind, by step and by branch', () => {
    const of = (reused: number, total: number) => ({ reused, total, ratio: reused / total });
    expect(cacheStatistics({ schedule, branches: branchesOf(2) })).toEqual({
      all: of(5, 12),
      byKind: { attention: of(3, 6), mlp: of(2, 6) },
      byStep: [of(0, 4), of(3, 4), of(2, 4)],
      byBranch: [of(1, 3), of(1, 3), of(2, 3), of(1, 3)],
    });
  });

  it('knows only the kinds that the model has', () => {
    const { byKind } = cacheStatistics({ schedule, branches: branchesOf(4, ['mlp']) });
    expect(Object.keys(byKind)).toEqual(['mlp']);
  });

  it('refuses branches of another model', () => {
    expect(() => cacheStatistics({ schedule, branches: branchesOf(3) })).toThrow(IncompatibleError);
  });
});
