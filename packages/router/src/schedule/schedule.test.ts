import { InvalidArgumentError } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomSchedules } from '../__fixtures__/random-schedules.js';
import { createSchedule, scheduleDecisions } from './schedule.js';

describe('createSchedule', () => {
  it('writes a row of characters for each step', () => {
    const decisions = [
      [true, true, true],
      [false, true, false],
    ];
    expect(createSchedule({ decisions, predictor: 'quadratic' })).toEqual({
      version: 1,
      kind: 'cache-schedule',
      steps: 2,
      branches: 3,
      predictor: 'quadratic',
      table: ['111', '010'],
    });
  });

  it('undoes scheduleDecisions', () => {
    fc.assert(
      fc.property(randomSchedules(), (schedule) => {
        const { predictor } = schedule;
        const decisions = scheduleDecisions(schedule);
        expect(createSchedule({ decisions, predictor })).toEqual(schedule);
      }),
    );
  });

  it.each([
    ['no steps', []],
    ['no branches', [[], []]],
    ['rows of different lengths', [[true, true], [true]]],
    ['a prediction in step 0', [[true, false]]],
  ])('refuses %s', (_name, decisions) => {
    expect(() => createSchedule({ decisions })).toThrow(InvalidArgumentError);
  });
});
