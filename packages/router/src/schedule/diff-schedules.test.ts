import { IncompatibleError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { diffSchedules } from './edit-schedule.js';
import { createSchedule, scheduleDecisions } from './schedule.js';

const scheduleOf = (table: readonly string[]) =>
  createSchedule({ decisions: scheduleDecisions({ table }) });

describe('diffSchedules', () => {
  it('names every decision that changes, and counts them', () => {
    const from = scheduleOf(['111', '010', '111', '001']);
    const to = scheduleOf(['111', '110', '100', '001']);
    expect(diffSchedules({ from, to })).toEqual({
      decisions: [
        { step: 1, branch: 0, becomes: 'computed' },
        { step: 2, branch: 1, becomes: 'predicted' },
        { step: 2, branch: 2, becomes: 'predicted' },
      ],
      computed: 1,
      predicted: 2,
      predictors: [],
    });
  });

  it('names the steps that are predicted in another way', () => {
    const from = scheduleOf(['11', '00', '11', '10']);
    const to = { ...from, predictor: ['hold', 'linear', 'linear', 'hold'] as const };
    expect(diffSchedules({ from, to }).predictors).toEqual([
      { step: 1, from: 'hold', to: 'linear' },
    ]);
    expect(diffSchedules({ from, to: from }).decisions).toEqual([]);
  });

  it('refuses schedules of different sizes', () => {
    const from = scheduleOf(['11', '00']);
    for (const table of [['11'], ['111', '000']]) {
      expect(() => diffSchedules({ from, to: scheduleOf(table) })).toThrow(IncompatibleError);
    }
  });
});
