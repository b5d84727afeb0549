import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { branchesOf } from '../__fixtures__/branches.js';
import { taylorSeerSchedule } from './taylor-seer.js';

const branches = branchesOf(1);

describe('taylorSeerSchedule', () => {
  it('computes two steps and then every fourth, all branches alike', () => {
    const { table } = taylorSeerSchedule({ steps: 11, branches });
    expect(table).toEqual(['11', '11', '00', '00', '00', '11', '00', '00', '00', '11', '00']);
  });

  it('takes the numbers of diffusers', () => {
    const { table } = taylorSeerSchedule({
      steps: 12,
      branches,
      interval: 5,
      warmUp: 3,
      anchor: 4,
      fullFrom: 11,
    });
    expect(table.map(([first]) => first).join('')).toBe('111010000101');
  });

  it.each([
    { steps: 0 },
    { interval: 0 },
    { warmUp: 0 },
    { warmUp: 12 },
    { anchor: -1 },
    { fullFrom: 12 },
    { branches: [] },
  ])('refuses %o', (wrong) => {
    const right = { steps: 11, branches };
    expect(() => taylorSeerSchedule({ ...right, ...wrong })).toThrow(InvalidArgumentError);
  });
});
