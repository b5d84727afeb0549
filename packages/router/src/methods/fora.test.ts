import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { branchesOf } from '../__fixtures__/branches.js';
import { type FixedIntervalScheduleOptions, fixedIntervalSchedule } from './fora.js';

/** One character a step, for a model whose branches are all decided alike. */
function pattern(options: Omit<FixedIntervalScheduleOptions, 'branches'>): string {
  const { table } = fixedIntervalSchedule({ ...options, branches: branchesOf(2) });
  for (const row of table) expect(new Set(row).size).toBe(1);
  return table.map((row) => row[0]).join('');
}

describe('fixedIntervalSchedule', () => {
  it('is FORA: full where t = T - 1 or t mod n = 0, with t counting down', () => {
    for (const [steps, interval] of [
      [20, 2],
      [20, 3],
      [10, 4],
      [9, 1],
    ] as const) {
      const expected = Array.from({ length: steps }, (_, step) => steps - 1 - step)
        .map((t) => (t === steps - 1 || t % interval === 0 ? '1' : '0'))
        .join('');
      expect(pattern({ steps, interval })).toBe(expected);
    }
  });

  it('computes the last step, or counts from the first', () => {
    expect(pattern({ steps: 8, interval: 3 })).toBe('11001001');
    expect(pattern({ steps: 8, interval: 3, align: 'first' })).toBe('10010010');
  });

  it('starts with as many full steps as asked for', () => {
    expect(pattern({ steps: 8, interval: 3, initialSteps: 3 })).toBe('11101001');
    expect(pattern({ steps: 20, interval: 2, align: 'first', initialSteps: 2 })).toBe(
      '11101010101010101010',
    );
  });

  it('takes an interval for each kind, and computes the kinds that have none', () => {
    const { table, predictor } = fixedIntervalSchedule({
      steps: 4,
      branches: branchesOf(2, ['attention', 'cross-attention', 'mlp']),
      interval: { attention: 2, 'cross-attention': 3 },
      predictor: 'linear',
    });
    expect(table).toEqual(['111111', '101101', '001001', '111111']);
    expect(predictor).toBe('linear');
  });

  it.each([
    { steps: 0, interval: 2 },
    { steps: 4, interval: 0 },
    { steps: 4, interval: 1.5 },
    { steps: 4, interval: { mlp: -1 } },
    { steps: 4, interval: 2, initialSteps: 0 },
    { steps: 4, interval: 2, initialSteps: 5 },
  ])('refuses %o', (options) => {
    expect(() => fixedIntervalSchedule({ ...options, branches: branchesOf(1) })).toThrow(
      InvalidArgumentError,
    );
  });
});
