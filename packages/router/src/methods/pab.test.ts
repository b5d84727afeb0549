import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { branchesOf } from '../__fixtures__/branches.js';
import { columnOf, official } from '../__fixtures__/official-policies.js';
import { pabSchedule } from './pab.js';

const { times, mlp, cases } = official.pab;
const branches = branchesOf(3, ['attention', 'cross-attention', 'mlp']);

describe('pabSchedule', () => {
  it.each(cases)('decides as VideoSys and diffusers do: $ranges in $window', (expected) => {
    const { ranges, window } = expected;
    const { table, predictor } = pabSchedule({
      times,
      branches,
      broadcast: {
        attention: { range: ranges.attention, window },
        'cross-attention': { range: ranges['cross-attention'], window },
      },
      mlp,
    });
    for (const { index, block, kind } of branches) {
      const column = {
        attention: expected.attention,
        'cross-attention': expected.crossAttention,
        mlp: expected.mlp[block],
      };
      expect(columnOf(table, index)).toBe(column[kind]);
    }
    expect(expected.diffusers.attention).toBe(expected.attention);
    expect(expected.diffusers.crossAttention).toBe(expected.crossAttention);
    expect(predictor).toBe('hold');
  });

  it('has the window of Latte and diffusers by default, and leaves kinds alone that are not named', () => {
    const broadcast = { attention: { range: 2 } };
    const window = [100, 800] as const;
    const { table } = pabSchedule({ times, branches, broadcast });
    expect(table).toEqual(
      pabSchedule({ times, branches, broadcast: { attention: { range: 2, window } } }).table,
    );
    expect(new Set(table.map((row) => row[1]))).toEqual(new Set(['1']));
    expect(columnOf(table, 0)).toContain('0');
  });

  it('computes a step that is the source of MLPs though it be inside another window', () => {
    const { table } = pabSchedule({
      times: [9, 8, 7, 6, 5],
      branches: branchesOf(1),
      broadcast: {},
      mlp: [
        { time: 9, blocks: [0], steps: 3 },
        { time: 7, blocks: [0], steps: 1 },
      ],
    });
    expect(columnOf(table, 1)).toBe('10101');
  });

  it.each([
    { times: [] },
    { branches: [] },
    { broadcast: { attention: { range: 0 } } },
    { mlp: [{ time: 5, blocks: [0] }] },
    { mlp: [{ time: 980, blocks: [0], steps: 0 }] },
    { mlp: [{ time: 980, blocks: [3] }] },
    { broadcast: { attention: { range: 2, window: [800, 100] as const } } },
  ])('refuses %o', (wrong) => {
    const right = { times, branches, broadcast: { attention: { range: 2 } } };
    expect(() => pabSchedule({ ...right, ...wrong })).toThrow(InvalidArgumentError);
  });
});
