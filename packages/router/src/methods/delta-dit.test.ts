import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { branchesOf } from '../__fixtures__/branches.js';
import { deltaDitSchedule } from './delta-dit.js';

const branches = branchesOf(4);

describe('deltaDitSchedule', () => {
  it('predicts rear blocks while t > b and front blocks after, each stage from a full step on', () => {
    const schedule = deltaDitSchedule({ steps: 10, branches, boundary: 4, cachedBlocks: 3 });
    // t = 9 8 7 6 5 | 4 3 2 1 0
    expect(schedule.table).toEqual([
      '11111111',
      '11000000',
      '11111111',
      '11000000',
      '11111111',
      '11111111',
      '00000011',
      '11111111',
      '00000011',
      '11111111',
    ]);
    expect(schedule.predictor).toBe('hold');
  });

  it('takes longer intervals, and another predictor', () => {
    const schedule = deltaDitSchedule({
      steps: 7,
      branches,
      boundary: 2,
      cachedBlocks: 1,
      interval: 3,
      predictor: 'linear',
    });
    expect(schedule.table).toEqual([
      '11111111',
      '11111100',
      '11111100',
      '11111111',
      '11111111',
      '00111111',
      '00111111',
    ]);
    expect(schedule.predictor).toBe('linear');
  });

  it('has one stage with a boundary at either end', () => {
    const rows = (boundary: number) =>
      deltaDitSchedule({ steps: 3, branches, boundary, cachedBlocks: 2 }).table;
    expect(rows(3)).toEqual(['11111111', '00001111', '11111111']);
    expect(rows(0)).toEqual(['11111111', '11110000', '11111111']);
  });

  it.each([
    { steps: 0 },
    { boundary: 11 },
    { boundary: -1 },
    { cachedBlocks: 0 },
    { cachedBlocks: 5 },
    { interval: 0 },
    { branches: [] },
  ])('refuses %o', (wrong) => {
    const right = { steps: 10, branches, boundary: 4, cachedBlocks: 3 };
    expect(() => deltaDitSchedule({ ...right, ...wrong })).toThrow(InvalidArgumentError);
  });
});
