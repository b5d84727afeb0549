import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { branchesOf } from '../__fixtures__/branches.js';
import { columnOf, official } from '../__fixtures__/official-policies.js';
import { magCacheSchedule } from './mag-cache.js';

const branches = branchesOf(2);
const { cases } = official.magCache;
const ratios = official.magCache.recorded;
const branchRatios = ratios.map((gamma) => branches.map(() => gamma));
const recorded = { steps: ratios.length, runs: 1, ratios, branchRatios };

describe('magCacheSchedule', () => {
  it.each(cases)(
    'decides as diffusers: T $steps, $threshold, K $maxSkips, $retention',
    (expected) => {
      const { table, ...options } = expected;
      const schedule = magCacheSchedule({ recorded, branches, ...options });
      for (const { index } of branches) expect(columnOf(schedule.table, index)).toBe(table);
    },
  );

  it('has the defaults of diffusers', () => {
    expect(columnOf(magCacheSchedule({ recorded, branches }).table, 0)).toBe(cases[0]?.table);
  });

  it('decides by what all branches add, by the mean of a kind, or each branch alone', () => {
    const apart = branchRatios.map((row, step) =>
      row.map((gamma, k) => gamma + 0.02 * k * (step % 2 ? 1 : -1)),
    );
    const scheduleOf = (per: 'model' | 'kind' | 'branch') =>
      magCacheSchedule({ recorded: { ...recorded, branchRatios: apart }, branches, per }).table;
    const distinct = (per: 'model' | 'kind' | 'branch') =>
      new Set(branches.map(({ index }) => columnOf(scheduleOf(per), index)));
    expect(distinct('model').size).toBe(1);
    expect(columnOf(scheduleOf('model'), 1)).toBe(cases[0]?.table);
    expect(columnOf(scheduleOf('kind'), 0)).toBe(columnOf(scheduleOf('kind'), 2));
    expect(distinct('branch').size).toBeGreaterThan(2);
    expect(columnOf(scheduleOf('branch'), 0)).toBe(cases[0]?.table);
  });

  it.each([
    { threshold: -1 },
    { maxSkips: -1 },
    { maxSkips: 1.5 },
    { retention: 1.1 },
    { steps: 0 },
    { branches: branchesOf(1) },
    { recorded: { ...recorded, steps: 27 } },
    { recorded: { ...recorded, ratios: ratios.slice(1) } },
  ])('refuses what does not fit: case %#', (wrong) => {
    expect(() => magCacheSchedule({ recorded, branches, ...wrong })).toThrow(InvalidArgumentError);
  });
});
