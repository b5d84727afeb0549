import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { branchesOf } from '../__fixtures__/branches.js';
import { columnOf, official } from '../__fixtures__/official-policies.js';
import type { RecordedChanges } from './smooth-cache.js';
import { smoothCacheSchedule } from './smooth-cache.js';

const branches = branchesOf(2);
const { outputs, changes, cases } = official.smoothCache;
const recorded: RecordedChanges = { steps: outputs.length, runs: 1, changes };
const withLookback = (lookback: number) => ({ ...recorded, changes: changes.slice(0, lookback) });

describe('smoothCacheSchedule', () => {
  it.each(cases)('is the official schedule: lookback $lookback, $threshold', (expected) => {
    const { lookback, threshold, schedule } = expected;
    const { table } = smoothCacheSchedule({
      recorded: withLookback(lookback),
      branches,
      threshold,
    });
    for (const { index, kind } of branches) {
      expect(columnOf(table, index)).toBe(schedule[kind === 'mlp' ? 'mlp' : 'attn']);
    }
  });

  it('decides each branch by its own changes, or the model by the mean of all', () => {
    const options = { recorded, branches, threshold: 0.2 };
    const own = smoothCacheSchedule({ ...options, per: 'branch' });
    branches.forEach((_, k) => {
      const alone = {
        ...recorded,
        changes: changes.map((rows) => rows.map((row) => [row[k] as number])),
      };
      const only = smoothCacheSchedule({
        ...options,
        recorded: alone,
        branches: [{ index: 0, block: 0, kind: 'mlp' }],
      });
      expect(columnOf(own.table, k)).toBe(columnOf(only.table, 0));
    });
    expect(new Set(branches.map((_, k) => columnOf(own.table, k))).size).toBeGreaterThan(1);
    const model = smoothCacheSchedule({ ...options, per: 'model' });
    for (const row of model.table) expect(new Set(row).size).toBe(1);
  });

  it('by hand: the farthest step within the threshold bounds the run of predictions', () => {
    const column = (values: readonly number[]) => values.map((value) => [value]);
    const { table } = smoothCacheSchedule({
      recorded: {
        steps: 7,
        runs: 1,
        changes: [column([0.1, 0.9, 0.9, 0.1, 0.9, 0.1]), column([0.9, 0.9, 0.9, 0.1, 0.9])],
      },
      branches: [{ index: 0, block: 0, kind: 'mlp' }],
      threshold: 0.1,
      predictor: 'linear',
    });
    // 0 -> 1 passes, 0 -> 2 does not; 2 does not pass; 3 -> 5 passes; the last step is computed.
    expect(table.join('')).toBe('1011001');
  });

  it.each([
    { threshold: -0.1 },
    { threshold: Number.NaN },
    { branches: branchesOf(1) },
    { recorded: { ...recorded, steps: 15 } },
    { recorded: { ...recorded, changes: [[...(changes[0] ?? [])].fill([0, 0, 0, Number.NaN])] } },
  ])('refuses what does not fit: case %#', (wrong) => {
    const right = { recorded, branches, threshold: 0.1 };
    expect(() => smoothCacheSchedule({ ...right, ...wrong })).toThrow(InvalidArgumentError);
  });
});
